"""The documents: short enough to be read, and everything they name is there."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from agent.core.settings import Settings
from ui.commands.cli import app

ROOT = Path(__file__).parents[1]
LONGEST = {"README.md": 99, "ARCHITECTURE.md": 120, "CONTRIBUTING.md": 120, "CHANGELOG.md": 150}
TOPICS = {f"docs/{path.name}": 149 for path in sorted((ROOT / "docs").glob("*.md"))}
FOLDERS = {
    path.relative_to(ROOT).as_posix(): 30
    for room in ("askcircuit", "agent", "tracer", "ui")
    for path in sorted((ROOT / room).rglob("README.md"))
    if "node_modules" not in path.parts
}
PAGES = {**LONGEST, **TOPICS, **FOLDERS, "tests/benchmarks/RESULTS.md": 150}
WIDEST = 119  # characters
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
PATH = re.compile(r"(?<![\w/.-])((?:askcircuit|agent|tracer|ui|prompts|tests|docs)/[\w./-]*[\w-])")
MODULE = re.compile(r"python -m\s+((?:tests|agent|tracer|ui)[\w.]+)")
LINK = re.compile(r"\]\(([^)#:\s]+)\)")
VERB = re.compile(r"(?:^|`|    |bin/)askcircuit ([a-z][^`\n#]*)", re.MULTILINE)
SECRET = re.compile(r"/(?:work|root|home|Users)/[\w.-]+/")
COMMAND = get_command(app)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_short_enough_to_be_read(name):
    lines = TEXTS[name].splitlines()
    assert len(lines) <= PAGES[name]
    if name != "tests/benchmarks/RESULTS.md":  # rows of figures
        assert [line for line in lines if len(line) > WIDEST] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_path_that_is_named_is_there(name):
    named = set(PATH.findall(TEXTS[name]))
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    here = (ROOT / name).parent
    assert [link for link in LINK.findall(TEXTS[name]) if not (here / link).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_module_and_target_is_there(name):
    for module in MODULE.findall(TEXTS[name]):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^    |; )make ([a-z]+)", TEXTS[name], re.MULTILINE):
        assert re.search(rf"^(?:[a-z ]* )?{target}(?: [a-z ]*)?:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_is_one(name):
    known = {field.upper() for field in Settings.model_fields}
    assert set(re.findall(r"ASKCIRCUIT_([A-Z_]*[A-Z])", TEXTS[name])) - {"NAME", "GRAPHS"} <= known


def strange(line: str) -> list[str]:
    """What of a command line is no verb and no option of askcircuit."""
    words = shlex.split(line.replace("“", '"').replace("”", '"').replace("'", " ").replace('"…"', "TEXT"))
    command, left = COMMAND, []
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if word not in command.commands:
            return [word]
        command = command.commands[word]
    options = {option for param in command.params for option in param.opts + param.secondary_opts}
    for word in words:
        option = word.strip("[],.").split("=")[0]
        if option.startswith("-") and option not in options | {"--help"}:
            left.append(word)
    return left


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_one(name):
    found = [line.strip() for line in VERB.findall(TEXTS[name])]
    assert {line: strange(line) for line in found if strange(line)} == {}


@pytest.mark.parametrize(
    "line", ["wy TEXT", "why TEXT --becuse", "features shew L9.N1-", "chat --terminal --thread NAME --prot 1"]
)
def test_this_check_would_notice(line):
    assert strange(line)


def test_python_in_the_documents_speaks_of_what_is_there():
    import askcircuit

    found = set()
    for text in TEXTS.values():
        found |= set(re.findall(r"\baskcircuit\.([a-zA-Z_]\w*)", text)) - {"basis"}
    assert {"why", "open", "read"} <= found
    assert {name for name in found if not hasattr(askcircuit, name)} == set()
    page = TEXTS["docs/python.md"]
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", page, re.MULTILINE):
        if "import askcircuit" in block or "session" in block:
            ast.parse("\n".join(line[4:] for line in block.splitlines()))


def tracked():
    """Texts of the repository that people write."""
    for folder in ("askcircuit", "agent", "tracer", "ui", "prompts", "tests", "docs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".pyi", ".md", ".yaml", ".ipynb", ".js", ".css", ".html"}:
                yield path
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name != ".git")


def test_nothing_names_a_folder_of_some_machine():
    named = {}
    for path in tracked():
        text = path.read_text(encoding="utf-8", errors="ignore")
        if path != Path(__file__) and (found := SECRET.findall(text)):
            named[path.relative_to(ROOT).as_posix()] = found
    assert named == {}
