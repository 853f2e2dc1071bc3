from .compare_texts import (
    compare_with_text as compare_with_text,
)
from .concept_carriers import add_explained_share as add_explained_share
from .concept_reading import read_concepts as read_concepts
from .concept_tests import test_concepts as test_concepts
from .counterfactual_texts import (
    count_known_right as count_known_right,
    find_entity as find_entity,
    find_entity_swap as find_entity_swap,
    find_expected_token as find_expected_token,
    find_kind as find_kind,
    list_variants as list_variants,
    parse_entities as parse_entities,
)
from .generalisation import (
    register_transfer as register_transfer,
)
from .head_claims import (
    add_head_claims as add_head_claims,
    find_drawn_heads as find_drawn_heads,
    write_heads as write_heads,
)
from .held_changes import (
    HeldChange as HeldChange,
    hold_change as hold_change,
)
from .hypothesis_tests import (
    Update as Update,
    list_group_numbers as list_group_numbers,
    register_hypotheses as register_hypotheses,
    require_case as require_case,
    run_test as run_test,
)
from .joint_ablation import (
    search_joint_set as search_joint_set,
)
from .lens_table import (
    LensReading as LensReading,
    ReadWord as ReadWord,
    read_lens as read_lens,
)
from .manual_intervention import (
    ManualIntervention as ManualIntervention,
    make_try_claim as make_try_claim,
    try_factor as try_factor,
    write_reply as write_reply,
    write_request as write_request,
)
from .minimal_edits import (
    search_minimal_edits as search_minimal_edits,
    summarise_search as summarise_search,
)
from .written_further import (
    first_words_from as first_words_from,
)
