from .bundle import (
    Bundle as Bundle,
    bundle_of as bundle_of,
    read_bundle as read_bundle,
)
from .citations import (
    circuit_id as circuit_id,
    cites as cites,
)
from .compose import (
    compose as compose,
)
from .concept_drawing import (
    change_drawn as change_drawn,
)
from .drawing import (
    BUNDLES as BUNDLES,
    EDGES as EDGES,
    ERRORS as ERRORS,
    FEATURES as FEATURES,
    Drawing as Drawing,
    drawing as drawing,
    no_drawing as no_drawing,
    with_tests as with_tests,
)
from .graph_sentences import (
    last_said as last_said,
    words_claims as words_claims,
)
from .report import (
    LogLine as LogLine,
    Reply as Reply,
    Report as Report,
    report as report,
)
