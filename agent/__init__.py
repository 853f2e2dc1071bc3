"""What to do next, and how to say it: sessions over a desk. The door of this room; heavy parts load late."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent.errors import AgentError
from agent.events import Answered, Drew, Event, Failed, Said, Working

if TYPE_CHECKING:
    from agent.bundle import Bundle, read_bundle
    from agent.describing import describe_model
    from agent.desk import Desk, open_desk
    from agent.exchange import Naming, explain_foreign, export_trace, show_graph, why_graph
    from agent.features import ShownFeature, export_features, search_features, show_feature
    from agent.graph_view import view_graph
    from agent.health import memory_each, needs
    from agent.imports import import_features
    from agent.llm_labels import outcome_line, plan_labels, write_labels
    from agent.memory import share_memory
    from agent.neuronpedia import Upload, upload_graph
    from agent.roster import Roster
    from agent.session import Session, answered, in_words
    from agent.settings import Settings, read_settings, settings_table
    from agent.suite import SuiteCase, read_suite
    from agent.suite_report import replayed, suite_results
    from agent.suite_run import Done, Run, run_apart, run_here

__all__ = [
    "AgentError",
    "Answered",
    "Bundle",
    "Desk",
    "Done",
    "Drew",
    "Event",
    "Failed",
    "Naming",
    "Roster",
    "Run",
    "Said",
    "Session",
    "Settings",
    "ShownFeature",
    "SuiteCase",
    "Upload",
    "Working",
    "answered",
    "describe_model",
    "explain_foreign",
    "export_features",
    "export_trace",
    "import_features",
    "in_words",
    "memory_each",
    "needs",
    "open_desk",
    "outcome_line",
    "plan_labels",
    "read_bundle",
    "read_settings",
    "read_suite",
    "replayed",
    "run_apart",
    "run_here",
    "search_features",
    "settings_table",
    "share_memory",
    "show_feature",
    "show_graph",
    "suite_results",
    "upload_graph",
    "view_graph",
    "why_graph",
    "write_labels",
]

_LATE = {
    "suite_results": "agent.suite_report",
    "run_here": "agent.suite_run",
    "run_apart": "agent.suite_run",
    "replayed": "agent.suite_report",
    "read_suite": "agent.suite",
    "memory_each": "agent.health",
    "SuiteCase": "agent.suite",
    "Run": "agent.suite_run",
    "Done": "agent.suite_run",
    "describe_model": "agent.describing",
    "import_features": "agent.imports",
    "outcome_line": "agent.llm_labels",
    "plan_labels": "agent.llm_labels",
    "write_labels": "agent.llm_labels",
    "export_features": "agent.features",
    "search_features": "agent.features",
    "share_memory": "agent.memory",
    "ShownFeature": "agent.features",
    "show_feature": "agent.features",
    "Bundle": "agent.bundle",
    "read_bundle": "agent.bundle",
    "Desk": "agent.desk",
    "open_desk": "agent.desk",
    "Naming": "agent.exchange",
    "explain_foreign": "agent.exchange",
    "export_trace": "agent.exchange",
    "show_graph": "agent.exchange",
    "why_graph": "agent.exchange",
    "view_graph": "agent.graph_view",
    "needs": "agent.health",
    "Upload": "agent.neuronpedia",
    "Roster": "agent.roster",
    "upload_graph": "agent.neuronpedia",
    "Session": "agent.session",
    "answered": "agent.session",
    "in_words": "agent.session",
    "Settings": "agent.settings",
    "read_settings": "agent.settings",
    "settings_table": "agent.settings",
}


def __getattr__(name: str) -> Any:
    """Load what is heavy (torch comes with the desk) when it is first named."""
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'agent' has no attribute {name!r}")
