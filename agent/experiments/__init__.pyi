from .compare_texts import (
    comparison as comparison,
)
from .concept_reading import read_concepts as read_concepts
from .concept_tests import test_concepts as test_concepts
from .counterfactual_texts import (
    entity_of as entity_of,
    expected as expected,
    kind_of as kind_of,
    known_right as known_right,
    named_entities as named_entities,
    swap_towards as swap_towards,
    texts_over as texts_over,
)
from .generalisation import (
    register_transfer as register_transfer,
)
from .head_claims import (
    asked_claims as asked_claims,
    heads_named as heads_named,
    of_the_picture as of_the_picture,
)
from .hypothesis_tests import (
    Update as Update,
    case_in as case_in,
    numbers_of as numbers_of,
    register as register,
    run_test as run_test,
)
from .joint_ablation import (
    looked_for as looked_for,
)
from .manual_intervention import (
    Tried as Tried,
    asked as asked,
    kept as kept,
    told as told,
    try_out as try_out,
)
from .minimal_edits import (
    summary_of_search as summary_of_search,
    wanted_claims as wanted_claims,
)
