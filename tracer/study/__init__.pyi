from .batch_interventions import (
    Attempt as Attempt,
    attempt as attempt,
)
from .coherence import (
    coherence_of as coherence_of,
    parted as parted,
)
from .estimate import (
    SetSizes as SetSizes,
    Sizes as Sizes,
    set_sizes as set_sizes,
    sizes_of as sizes_of,
    speed as speed,
)
from .self_check import (
    check_traced as check_traced,
    load as load,
)
from .study import (
    Contrast as Contrast,
    Forecast as Forecast,
    Intervention as Intervention,
    Outcome as Outcome,
    Study as Study,
    Token as Token,
)
from .traced_study import (
    Edge as Edge,
    Feature as Feature,
    Node as Node,
    TracedStudy as TracedStudy,
)
