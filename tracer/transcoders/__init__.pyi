from .attribute import (
    Roots as Roots,
    named_roots as named_roots,
    text_ids as text_ids,
    trace_transcoders as trace_transcoders,
    zero_positions_of as zero_positions_of,
)
from .compatibility import (
    fit_transcoders as fit_transcoders,
)
from .hub import (
    load_transcoders as load_transcoders,
)
from .sources import (
    feature_sources as feature_sources,
    through_skip as through_skip,
)
from .transcoders import (
    Active as Active,
    Nonlinearity as Nonlinearity,
    Reads as Reads,
    Transcoder as Transcoder,
    Transcoders as Transcoders,
    active_features as active_features,
    feature_targets as feature_targets,
    read_input as read_input,
    read_norm as read_norm,
)
from .weight_files import (
    FileTable as FileTable,
)
