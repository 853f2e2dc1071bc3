from .attribute import (
    POOL as POOL,
    trace as trace,
)
from .backward_sweep import (
    CARRIED_BYTES as CARRIED_BYTES,
    batches as batches,
    direct_rows as direct_rows,
    total_effects as total_effects,
)
from .certified_expansion import (
    Certified as Certified,
    Expansion as Expansion,
    expand_certified as expand_certified,
)
from .certified_stop import (
    bound_unexplored as bound_unexplored,
    expect_influence as expect_influence,
    influence as influence,
    select_strongest as select_strongest,
    sum_sizes as sum_sizes,
)
from .frozen_forward import (
    call_from as call_from,
    freeze as freeze,
    recorded_inputs as recorded_inputs,
)
from .frozen_text import (
    BlockCall as BlockCall,
    Frozen as Frozen,
    Layer as Layer,
    Norm as Norm,
)
from .graph import (
    KINDS as KINDS,
    NEURONS as NEURONS,
    TRANSCODERS as TRANSCODERS,
    Graph as Graph,
    Kind as Kind,
    Pruned as Pruned,
    Scores as Scores,
    smallest_set as smallest_set,
)
from .heads import (
    CarriedConnection as CarriedConnection,
    Connection as Connection,
    Linear as Linear,
    WrittenStream as WrittenStream,
    attribute_heads as attribute_heads,
    find_written as find_written,
    list_crossings as list_crossings,
)
from .logit_lens import (
    FIRES as FIRES,
    Role as Role,
    find_firing as find_firing,
    find_role as find_role,
    promoted_tokens as promoted_tokens,
    raised_tokens as raised_tokens,
    write_directions as write_directions,
    write_rows as write_rows,
)
from .neurons import (
    Units as Units,
    activations as activations,
    neuron_sources as neuron_sources,
    units_of as units_of,
)
from .ranking import (
    largest as largest,
    smallest as smallest,
)
from .sink import (
    epsilon_of as epsilon_of,
    find_sinks as find_sinks,
    rests_on_first as rests_on_first,
)
from .targets import (
    Targets as Targets,
    final_direction as final_direction,
    join_targets as join_targets,
    likeliest_tokens as likeliest_tokens,
    logit_difference as logit_difference,
    logit_targets as logit_targets,
    neuron_targets as neuron_targets,
    weight_targets as weight_targets,
)
from .window import (
    KeysAndValues as KeysAndValues,
    freeze_window as freeze_window,
)
