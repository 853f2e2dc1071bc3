from .results import (
    replayed as replayed,
    suite_results as suite_results,
)
from .runner import (
    Done as Done,
    Run as Run,
    run_apart as run_apart,
    run_here as run_here,
)
from .schema import (
    SuiteCase as SuiteCase,
    read_suite as read_suite,
)
