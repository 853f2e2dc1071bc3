from .autointerp import (
    describe_model as describe_model,
)
from .catalogue import (
    Catalogue as Catalogue,
)
from .import_labels import (
    import_features as import_features,
)
from .label_log import (
    FROM_TEXT as FROM_TEXT,
    Description as Description,
)
from .label_store import (
    Library as Library,
    ProgramEnded as ProgramEnded,
)
from .llm_autointerp import (
    format_outcome as format_outcome,
    plan_labels as plan_labels,
    write_labels as write_labels,
)
from .lookup import (
    ShownFeature as ShownFeature,
    export_features as export_features,
    merge_hits as merge_hits,
    search_features as search_features,
    show_feature as show_feature,
)
