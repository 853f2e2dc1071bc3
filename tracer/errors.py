"""What can go wrong in the tracer in ways a user can act on; every text is fit to show.

TracerError
├── ModelError        the model cannot be found, read or built
│   └── UnsupportedFamily  its architecture has no row in `tracer.models.families`
├── TranscodersError    a set of transcoders cannot be found, read or does not fit
├── TextError           the text cannot be traced (empty, too long, not one token …)
└── GraphError          a graph, a node or an intervention that does not exist or does not fit
"""


class TracerError(Exception):
    """Root of all expected failures of this room."""


class ModelError(TracerError):
    """The model cannot be found, read or built."""


class UnsupportedFamily(ModelError):
    """The model's architecture has no row in the table of families."""


class TranscodersError(TracerError):
    """A set of transcoders that cannot be found or read, or that does not fit the model."""


class TextError(TracerError):
    """The text or a token in it cannot be used."""


class GraphError(TracerError):
    """A graph, node or intervention that does not exist or does not fit this text."""
