"""What happened inside the subject: load a model, study a text, trace, intervene. The door of this room.

What lies behind it is imported when it is first named: reading descriptions of features takes no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tracer.errors import (
    GraphError,
    SubjectError,
    TextError,
    TracerError,
    TranscodersError,
    UnsupportedFamily,
)

if TYPE_CHECKING:
    from tracer.attempts import Attempt, attempt
    from tracer.coherence import coherence_of, parted
    from tracer.continuation import Continuation, continue_text
    from tracer.describing import Described
    from tracer.describing import Layer as FeatureLayer
    from tracer.describing import describe as describe_corpus
    from tracer.estimate import SetSizes, Sizes, set_sizes, sizes_of, speed
    from tracer.evidence import gather as gather_evidence
    from tracer.export import graph_file
    from tracer.feature_files import FeatureFiles, read_features, write_features, write_vectors
    from tracer.feature_files import shipped as shipped_features
    from tracer.feature_intervene import FeatureEffect, Setting, change_of, set_features
    from tracer.feature_sets import FeatureSet, NeuronSet, TranscoderSet
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
    from tracer.memory import give_back_memory
    from tracer.names import EMBEDDED, name_of
    from tracer.pulse import listening
    from tracer.replacement import Roots, trace_transcoders
    from tracer.study import Contrast, Forecast, Intervention, Outcome, Study, Token
    from tracer.subject import Prediction, Subject, Vocabulary, load, quickest_dtype
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
    "Described",
    "Edge",
    "Feature",
    "FeatureEffect",
    "FeatureFiles",
    "FeatureLayer",
    "FeatureSet",
    "FileNode",
    "FilePath",
    "FileScores",
    "Flow",
    "Forecast",
    "GraphError",
    "GraphFile",
    "Hold",
    "Intervention",
    "NeuronSet",
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
    "TranscoderSet",
    "Transcoders",
    "TranscodersError",
    "UnsupportedFamily",
    "Vocabulary",
    "attempt",
    "change_of",
    "coherence_of",
    "continue_text",
    "corpus_texts",
    "describe_corpus",
    "fitted",
    "flow_of",
    "gather_evidence",
    "gathered_evidence",
    "give_back_memory",
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

_LATE = {  # name -> where it is, what it is called there
    "Attempt": ("tracer.attempts", "Attempt"),
    "attempt": ("tracer.attempts", "attempt"),
    "coherence_of": ("tracer.coherence", "coherence_of"),
    "parted": ("tracer.coherence", "parted"),
    "Continuation": ("tracer.continuation", "Continuation"),
    "continue_text": ("tracer.continuation", "continue_text"),
    "Described": ("tracer.describing", "Described"),
    "FeatureLayer": ("tracer.describing", "Layer"),
    "describe_corpus": ("tracer.describing", "describe"),
    "SetSizes": ("tracer.estimate", "SetSizes"),
    "Sizes": ("tracer.estimate", "Sizes"),
    "set_sizes": ("tracer.estimate", "set_sizes"),
    "sizes_of": ("tracer.estimate", "sizes_of"),
    "speed": ("tracer.estimate", "speed"),
    "gather_evidence": ("tracer.evidence", "gather"),
    "graph_file": ("tracer.export", "graph_file"),
    "FeatureFiles": ("tracer.feature_files", "FeatureFiles"),
    "read_features": ("tracer.feature_files", "read_features"),
    "shipped_features": ("tracer.feature_files", "shipped"),
    "write_features": ("tracer.feature_files", "write_features"),
    "write_vectors": ("tracer.feature_files", "write_vectors"),
    "FeatureSet": ("tracer.feature_sets", "FeatureSet"),
    "NeuronSet": ("tracer.feature_sets", "NeuronSet"),
    "TranscoderSet": ("tracer.feature_sets", "TranscoderSet"),
    "FeatureEffect": ("tracer.feature_intervene", "FeatureEffect"),
    "Setting": ("tracer.feature_intervene", "Setting"),
    "change_of": ("tracer.feature_intervene", "change_of"),
    "set_features": ("tracer.feature_intervene", "set_features"),
    "FilePath": ("tracer.flow", "FilePath"),
    "FileScores": ("tracer.flow", "FileScores"),
    "Flow": ("tracer.flow", "Flow"),
    "flow_of": ("tracer.flow", "flow_of"),
    "FileNode": ("tracer.formats", "FileNode"),
    "GraphFile": ("tracer.formats", "GraphFile"),
    "parse_graph": ("tracer.formats", "parse_graph"),
    "read_graph_file": ("tracer.formats", "read_graph_file"),
    "with_error_ids": ("tracer.formats", "with_error_ids"),
    "write_graph_file": ("tracer.formats", "write_graph_file"),
    "FREE": ("tracer.held", "FREE"),
    "Hold": ("tracer.held", "Hold"),
    "gathered_evidence": ("tracer.judging", "gathered_evidence"),
    "judge_words": ("tracer.judging", "judge_words"),
    "give_back_memory": ("tracer.memory", "give_back_memory"),
    "EMBEDDED": ("tracer.names", "EMBEDDED"),
    "name_of": ("tracer.names", "name_of"),
    "listening": ("tracer.pulse", "listening"),
    "Roots": ("tracer.replacement", "Roots"),
    "trace_transcoders": ("tracer.replacement", "trace_transcoders"),
    "Contrast": ("tracer.study", "Contrast"),
    "Forecast": ("tracer.study", "Forecast"),
    "Intervention": ("tracer.study", "Intervention"),
    "Outcome": ("tracer.study", "Outcome"),
    "Study": ("tracer.study", "Study"),
    "Token": ("tracer.study", "Token"),
    "Prediction": ("tracer.subject", "Prediction"),
    "Subject": ("tracer.subject", "Subject"),
    "Vocabulary": ("tracer.subject", "Vocabulary"),
    "load": ("tracer.subject", "load"),
    "quickest_dtype": ("tracer.subject", "quickest_dtype"),
    "fitted": ("tracer.transcoder_fit", "fitted"),
    "load_transcoders": ("tracer.transcoder_sets", "load_transcoders"),
    "Transcoders": ("tracer.transcoders", "Transcoders"),
    "Edge": ("tracer.view", "Edge"),
    "Feature": ("tracer.view", "Feature"),
    "Node": ("tracer.view", "Node"),
    "TracedStudy": ("tracer.view", "TracedStudy"),
    "corpus_texts": ("tracer.windows", "documents"),
}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first named."""
    if name not in _LATE:
        raise AttributeError(f"module 'tracer' has no attribute {name!r}")
    module, own = _LATE[name]
    globals()[name] = found = getattr(import_module(module), own)
    return found
