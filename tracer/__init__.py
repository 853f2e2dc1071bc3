"""What happened inside the subject: load a model, study a text, trace, intervene. The door of this room."""

from tracer.attempts import Attempt, attempt
from tracer.coherence import coherence, parted
from tracer.continuation import Continuation, continue_text
from tracer.describing import Layer as FeatureLayer
from tracer.describing import describe as describe_corpus
from tracer.errors import (
    GraphError,
    SubjectError,
    TextError,
    TracerError,
    TranscodersError,
    UnsupportedFamily,
)
from tracer.estimate import SetSizes, Sizes, set_sizes, sizes_of, speed
from tracer.evidence import gather as gather_evidence
from tracer.export import graph_file
from tracer.feature_files import FeatureFiles, read_features, write_features, write_vectors
from tracer.feature_files import shipped as shipped_features
from tracer.feature_intervene import FeatureEffect, Setting, change_of, set_features
from tracer.flow import FilePath, FileScores, Flow, flow_of
from tracer.formats import (
    FileNode,
    GraphFile,
    parse_graph,
    read_graph_file,
    with_error_ids,
    write_graph_file,
)
from tracer.held import FREE, Hold
from tracer.judging import gathered_evidence, judge_words
from tracer.pulse import listening
from tracer.replacement import Roots, trace_transcoders
from tracer.study import Contrast, Forecast, Intervention, Outcome, Study, Token
from tracer.subject import EMBEDDED, Prediction, Subject, Vocabulary, load, name_of, quickest_dtype
from tracer.transcoder_fit import fitted
from tracer.transcoder_sets import load_transcoders
from tracer.transcoders import Transcoders
from tracer.view import Edge, Feature, Node, TracedStudy
from tracer.windows import documents as corpus_texts

__all__ = [
    "EMBEDDED",
    "FREE",
    "Attempt",
    "Continuation",
    "Contrast",
    "Edge",
    "Feature",
    "FeatureEffect",
    "FeatureFiles",
    "FeatureLayer",
    "FileNode",
    "FilePath",
    "FileScores",
    "Flow",
    "Forecast",
    "GraphError",
    "GraphFile",
    "Hold",
    "Intervention",
    "Node",
    "Outcome",
    "Prediction",
    "Roots",
    "SetSizes",
    "Setting",
    "Sizes",
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
    "Vocabulary",
    "attempt",
    "change_of",
    "coherence",
    "continue_text",
    "corpus_texts",
    "describe_corpus",
    "fitted",
    "flow_of",
    "gather_evidence",
    "gathered_evidence",
    "graph_file",
    "judge_words",
    "listening",
    "load",
    "load_transcoders",
    "name_of",
    "parse_graph",
    "parted",
    "quickest_dtype",
    "read_features",
    "read_graph_file",
    "set_features",
    "set_sizes",
    "shipped_features",
    "sizes_of",
    "speed",
    "trace_transcoders",
    "with_error_ids",
    "write_features",
    "write_graph_file",
    "write_vectors",
]
