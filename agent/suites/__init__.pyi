from .ray_cluster import (
    join_cluster as join_cluster,
)
from .results import (
    replay_bundles as replay_bundles,
    suite_results as suite_results,
)
from .runner import (
    FinishedCase as FinishedCase,
    SuiteRun as SuiteRun,
    run_in_processes as run_in_processes,
    run_in_turn as run_in_turn,
)
from .schema import (
    SuiteCase as SuiteCase,
    read_suite as read_suite,
)
from .two_models import (
    compare_models as compare_models,
    tell_comparison as tell_comparison,
)
