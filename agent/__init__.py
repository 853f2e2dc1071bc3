"""What to do next, and how to say it: sessions over a desk. The door of this room; heavy parts load late."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent.errors import AgentError
from agent.events import Answered, Drew, Event, Failed, Said, Working

if TYPE_CHECKING:
    from agent.bundle import Bundle, read_bundle
    from agent.desk import Desk, open_desk
    from agent.exchange import Naming, explain_foreign, export_trace, show_graph, why_graph
    from agent.health import needs
    from agent.neuronpedia import Upload, upload_graph
    from agent.session import Session, answered
    from agent.settings import Settings, read_settings

__all__ = [
    "AgentError",
    "Answered",
    "Bundle",
    "Desk",
    "Drew",
    "Event",
    "Failed",
    "Naming",
    "Said",
    "Session",
    "Settings",
    "Upload",
    "Working",
    "answered",
    "explain_foreign",
    "export_trace",
    "needs",
    "open_desk",
    "read_bundle",
    "read_settings",
    "show_graph",
    "upload_graph",
    "why_graph",
]

_LATE = {
    "Bundle": "agent.bundle",
    "read_bundle": "agent.bundle",
    "Desk": "agent.desk",
    "open_desk": "agent.desk",
    "Naming": "agent.exchange",
    "explain_foreign": "agent.exchange",
    "export_trace": "agent.exchange",
    "show_graph": "agent.exchange",
    "why_graph": "agent.exchange",
    "needs": "agent.health",
    "Upload": "agent.neuronpedia",
    "upload_graph": "agent.neuronpedia",
    "Session": "agent.session",
    "answered": "agent.session",
    "Settings": "agent.settings",
    "read_settings": "agent.settings",
}


def __getattr__(name: str) -> Any:
    """Load what is heavy (torch comes with the desk) when it is first named."""
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'agent' has no attribute {name!r}")
