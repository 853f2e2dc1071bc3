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
    expected as expected,
    gross as gross,
    influence as influence,
    needed as needed,
    strongest as strongest,
)
from .frozen_forward import (
    BlockCall as BlockCall,
    Frozen as Frozen,
    Layer as Layer,
    Norm as Norm,
    freeze as freeze,
    recorded_inputs as recorded_inputs,
)
from .graph import (
    KINDS as KINDS,
    NEURONS as NEURONS,
    TRANSCODERS as TRANSCODERS,
    Graph as Graph,
    Kind as Kind,
    Pruned as Pruned,
    Scores as Scores,
    fewest as fewest,
)
from .heads import (
    Carried as Carried,
    Connection as Connection,
    Linear as Linear,
    Written as Written,
    carried as carried,
    crossings as crossings,
    written_by as written_by,
)
from .logit_lens import (
    FIRES as FIRES,
    Role as Role,
    firing as firing,
    promoted as promoted,
    raised as raised,
    role as role,
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
)
from .targets import (
    Targets as Targets,
    final_direction as final_direction,
    likeliest as likeliest,
    logit_difference as logit_difference,
    logit_targets as logit_targets,
    neuron_targets as neuron_targets,
    together as together,
    weighted as weighted,
)
