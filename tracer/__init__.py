"""What happened inside the subject: load a model, study a text, trace, intervene. The door of this room."""

from tracer.errors import GraphError, SubjectError, TextError, TracerError, UnsupportedFamily
from tracer.study import Contrast, Forecast, Intervention, Outcome, Study, Token
from tracer.subject import EMBEDDED, Prediction, Subject, load
from tracer.view import Edge, Feature, Node, TracedStudy

__all__ = [
    "EMBEDDED",
    "Contrast",
    "Edge",
    "Feature",
    "Forecast",
    "GraphError",
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
    "load",
]
