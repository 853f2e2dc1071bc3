from .contrast import (
    description_of as description_of,
    given_p as given_p,
    label_of as label_of,
    past_what_they_share as past_what_they_share,
    settle_case as settle_case,
)
from .ledger import (
    Sentence as Sentence,
    faults as faults,
    new_claim as new_claim,
)
from .overclaims import (
    HELD as HELD,
)
from .statistics import (
    HALF as HALF,
    LEAST as LEAST,
    LEVEL as LEVEL,
    holm as holm,
    p_beyond_all as p_beyond_all,
    p_value as p_value,
    rate_p as rate_p,
    seed_of as seed_of,
    settle as settle,
    summary as summary,
    without_effect as without_effect,
)
from .supernodes import (
    SMALLEST as SMALLEST,
    group as group,
    split as split,
    strongest_path as strongest_path,
)
