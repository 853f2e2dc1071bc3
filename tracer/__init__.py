"""What happened inside the subject: load a model, study a text, trace, intervene. The door of this room."""

from tracer.errors import (
    GraphError,
    SubjectError,
    TextError,
    TracerError,
    TranscodersError,
    UnsupportedFamily,
)
from tracer.export import graph_file
from tracer.flow import FilePath, FileScores, Flow, flow_of
from tracer.formats import (
    FileNode,
    GraphFile,
    parse_graph,
    read_graph_file,
    with_error_ids,
    write_graph_file,
)
from tracer.replacement import Roots, trace_transcoders
from tracer.study import Contrast, Forecast, Intervention, Outcome, Study, Token
from tracer.subject import EMBEDDED, Prediction, Subject, load
from tracer.transcoder_sets import load_transcoders
from tracer.transcoders import Transcoders
from tracer.view import Edge, Feature, Node, TracedStudy

__all__ = [
    "EMBEDDED",
    "Contrast",
    "Edge",
    "Feature",
    "FileNode",
    "FilePath",
    "FileScores",
    "Flow",
    "Forecast",
    "GraphError",
    "GraphFile",
    "Intervention",
    "Node",
    "Outcome",
    "Prediction",
    "Roots",
    "Study",
    "Subject",
    "SubjectError",
    "TextError",
    "Token",
    "TracedStudy",
    "TracerError",
    "Transcoders",
    "TranscodersError",
    "UnsupportedFamily",
    "flow_of",
    "graph_file",
    "load",
    "load_transcoders",
    "parse_graph",
    "read_graph_file",
    "trace_transcoders",
    "with_error_ids",
    "write_graph_file",
]
