from .batch_interventions import (
    Attempt as Attempt,
    try_groups as try_groups,
)
from .coherence import (
    coherence_of as coherence_of,
    split_group as split_group,
)
from .estimate import (
    SetSizes as SetSizes,
    Sizes as Sizes,
    set_sizes as set_sizes,
    sizes_of as sizes_of,
    speed as speed,
)
from .held_writing import (
    hold_neurons as hold_neurons,
)
from .long_texts import Window as Window
from .outcomes import (
    Forecast as Forecast,
    Intervention as Intervention,
    Outcome as Outcome,
    Token as Token,
)
from .self_check import (
    Checked as Checked,
    check_traced as check_traced,
    explained_by_set as explained_by_set,
    load as load,
)
from .study import (
    Contrast as Contrast,
    Study as Study,
)
from .traced_study import (
    Edge as Edge,
    Feature as Feature,
    Node as Node,
    TracedStudy as TracedStudy,
)
