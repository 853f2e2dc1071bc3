from .bundle import (
    Bundle as Bundle,
    make_bundle as make_bundle,
    read_bundle as read_bundle,
    write_bundle as write_bundle,
)
from .citations import (
    cite_sentences as cite_sentences,
    hash_graph_id as hash_graph_id,
)
from .compose import (
    compose_answer as compose_answer,
)
from .concept_drawing import (
    change_drawn as change_drawn,
)
from .drawing import (
    BUNDLES as BUNDLES,
    EDGES as EDGES,
    ERRORS as ERRORS,
    FEATURES as FEATURES,
    Box as Box,
    Drawing as Drawing,
    add_verdicts as add_verdicts,
    draw_circuit as draw_circuit,
    draw_untraced as draw_untraced,
)
from .drawn_lens import DrawnLens as DrawnLens
from .earlier_verdicts import (
    add_earlier_verdicts as add_earlier_verdicts,
)
from .graph_sentences import (
    add_word_claims as add_word_claims,
    find_asked_sentences as find_asked_sentences,
)
from .lens_drawing import lens_drawn as lens_drawn
from .llm_translation import (
    add_translation as add_translation,
    is_foreign as is_foreign,
)
from .report import (
    LogLine as LogLine,
    Report as Report,
    ReportedAnswer as ReportedAnswer,
    build_report as build_report,
)
