from .answers import (
    Bundle as Bundle,
    read_bundle as read_bundle,
)
from .core import (
    AgentError as AgentError,
    AnswerText as AnswerText,
    DrawingReady as DrawingReady,
    Event as Event,
    Failed as Failed,
    PermissionNeeded as PermissionNeeded,
    ReportReady as ReportReady,
    Settings as Settings,
    StepProgress as StepProgress,
    read_settings as read_settings,
    settings_table as settings_table,
    share_memory as share_memory,
    unescape_md as unescape_md,
    unfolded as unfolded,
    without_folds as without_folds,
)
from .features import (
    ShownFeature as ShownFeature,
    describe_model as describe_model,
    export_features as export_features,
    format_outcome as format_outcome,
    import_features as import_features,
    plan_labels as plan_labels,
    search_features as search_features,
    show_feature as show_feature,
    write_labels as write_labels,
)
from .graph_files import (
    GraphNaming as GraphNaming,
    Upload as Upload,
    draw_trace as draw_trace,
    explain_graph as explain_graph,
    explain_graph_file as explain_graph_file,
    export_trace as export_trace,
    show_graph as show_graph,
    upload_graph as upload_graph,
    view_graph as view_graph,
)
from .session import (
    Session as Session,
    Unfinished as Unfinished,
    collect_markdown as collect_markdown,
    collect_report as collect_report,
    draw_loop as draw_loop,
)
from .suites import (
    FinishedCase as FinishedCase,
    SuiteCase as SuiteCase,
    SuiteRun as SuiteRun,
    read_suite as read_suite,
    replay_bundles as replay_bundles,
    run_in_processes as run_in_processes,
    run_in_turn as run_in_turn,
    suite_results as suite_results,
)
from .workspace import (
    ConversationIndex as ConversationIndex,
    Workspace as Workspace,
    check_on_text as check_on_text,
    estimate_needs as estimate_needs,
    estimate_worker_memory as estimate_worker_memory,
    fit_model_lens as fit_model_lens,
    lens_facts as lens_facts,
    open_workspace as open_workspace,
)
