from .feature_controls import (
    matched_features as matched_features,
)
from .feature_forecast import (
    effect_of_writes as effect_of_writes,
    felt_by_writes as felt_by_writes,
    predict_by_graph as predict_by_graph,
    predict_live as predict_live,
)
from .feature_intervene import (
    FeatureEffect as FeatureEffect,
    Setting as Setting,
    activations_on as activations_on,
    change_of as change_of,
    live_input as live_input,
    set_features as set_features,
)
from .generate import (
    Continuation as Continuation,
    continue_text as continue_text,
)
from .held_forward import (
    FREE as FREE,
    Hold as Hold,
    attention_patterns as attention_patterns,
    final_logits as final_logits,
    patterns_held as patterns_held,
)
from .intervene import (
    VOCABULARIES as VOCABULARIES,
    Change as Change,
    Effect as Effect,
    full_logits as full_logits,
    logits_after as logits_after,
    measure as measure,
    measure_frozen as measure_frozen,
    predict_exact as predict_exact,
    predict_frozen as predict_frozen,
    scale as scale,
    swap as swap,
)
from .matched_controls import (
    matched_controls as matched_controls,
)
from .partial_forward import (
    Start as Start,
    remember_prefix as remember_prefix,
    rerun as rerun,
    rows_at_once as rows_at_once,
)
from .write_norm_controls import (
    NormControls as NormControls,
    norm_matched_controls as norm_matched_controls,
)
