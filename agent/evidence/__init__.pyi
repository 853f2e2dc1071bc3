from .concept_way import (
    bears_out as bears_out,
    decides_much as decides_much,
    held_concepts as held_concepts,
    installs as installs,
)
from .contrast import (
    choose_label as choose_label,
    make_description as make_description,
    read_probabilities as read_probabilities,
    settle_case as settle_case,
)
from .ledger import (
    Sentence as Sentence,
    find_faults as find_faults,
    new_claim as new_claim,
)
from .overclaims import (
    HOLDING_VERDICTS as HOLDING_VERDICTS,
)
from .several_tokens import (
    to_where_it_falls as to_where_it_falls,
)
from .statistics import (
    HALF as HALF,
    LEVEL as LEVEL,
    MIN_EFFECT as MIN_EFFECT,
    adjust_holm as adjust_holm,
    has_no_effect as has_no_effect,
    make_control_seed as make_control_seed,
    p_beyond_all as p_beyond_all,
    p_value as p_value,
    rate_p_value as rate_p_value,
    settle_turn as settle_turn,
    settle_verdicts as settle_verdicts,
    summarise_controls as summarise_controls,
)
from .supernodes import (
    SMALLEST as SMALLEST,
    find_strongest_path as find_strongest_path,
    group_features as group_features,
    split_groups as split_groups,
)
