from .answers import (
    Bundle as Bundle,
    read_bundle as read_bundle,
)
from .core import (
    AgentError as AgentError,
    Answered as Answered,
    Asks as Asks,
    Drew as Drew,
    Event as Event,
    Failed as Failed,
    Said as Said,
    Settings as Settings,
    Working as Working,
    read_settings as read_settings,
    settings_table as settings_table,
    share_memory as share_memory,
    unescaped as unescaped,
    unfolded as unfolded,
    without_folds as without_folds,
)
from .features import (
    ShownFeature as ShownFeature,
    describe_model as describe_model,
    export_features as export_features,
    import_features as import_features,
    outcome_line as outcome_line,
    plan_labels as plan_labels,
    search_features as search_features,
    show_feature as show_feature,
    write_labels as write_labels,
)
from .graph_files import (
    Naming as Naming,
    Upload as Upload,
    draw_trace as draw_trace,
    explain_foreign as explain_foreign,
    export_trace as export_trace,
    show_graph as show_graph,
    upload_graph as upload_graph,
    view_graph as view_graph,
    why_graph as why_graph,
)
from .session import (
    Session as Session,
    Unfinished as Unfinished,
    answered as answered,
    draw_loop as draw_loop,
    in_words as in_words,
)
from .suites import (
    Done as Done,
    Run as Run,
    SuiteCase as SuiteCase,
    read_suite as read_suite,
    replayed as replayed,
    run_apart as run_apart,
    run_here as run_here,
    suite_results as suite_results,
)
from .workspace import (
    Desk as Desk,
    Roster as Roster,
    fit_model_lens as fit_model_lens,
    lens_facts as lens_facts,
    memory_each as memory_each,
    needs as needs,
    open_desk as open_desk,
)
