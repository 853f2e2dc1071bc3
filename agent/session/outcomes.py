"""A question run to its end: its report, or its words."""

from collections.abc import Iterator
from typing import Any

from agent.core import AgentError, AnswerText, Event, Failed, PermissionNeeded, ReportReady


def collect_report(events: Iterator[Event]) -> dict[str, Any]:
    """Run a question to its end and return the report; raises AgentError with what went wrong."""
    report = None
    for event in events:  # to the last one: the library is filled after the answer
        if isinstance(event, Failed):
            raise AgentError(event.why)
        if isinstance(event, PermissionNeeded):
            raise AgentError(event.what)
        if isinstance(event, ReportReady):
            report = event.report
    if report is None:
        raise AgentError("The question was answered in words, without a report: collect_markdown gives them.")
    return report


def collect_markdown(events: Iterator[Event]) -> str:
    """Run a question to its end and return the answer as markdown; raises AgentError with what went wrong."""
    parts = []
    for event in events:
        if isinstance(event, Failed):
            raise AgentError(event.why)
        if isinstance(event, AnswerText):
            parts.append(event.text)
        if isinstance(event, PermissionNeeded):
            parts.append(event.what)
    return "".join(parts).strip()


def newly(item: Any, name: str) -> Any:
    """What a step's update holds under this name, if anything."""
    for update in item.values() if isinstance(item, dict) else ():
        if isinstance(update, dict) and update.get(name):
            return update[name]
    return None
