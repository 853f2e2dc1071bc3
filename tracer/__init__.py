"""What happened inside the subject: load a model, study a text, trace, intervene. The door of this room."""

from tracer.errors import GraphError, SubjectError, TextError, TracerError, UnsupportedFamily
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
from tracer.study import Contrast, Forecast, Intervention, Outcome, Study, Token
from tracer.subject import EMBEDDED, Prediction, Subject, load
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
    "Study",
    "Subject",
    "SubjectError",
    "TextError",
    "Token",
    "TracedStudy",
    "TracerError",
    "UnsupportedFamily",
    "flow_of",
    "graph_file",
    "load",
    "parse_graph",
    "read_graph_file",
    "with_error_ids",
    "write_graph_file",
]
