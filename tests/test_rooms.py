"""The floor plan as a test: who may import whom, and how long a file may get."""

import ast
import importlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EVERYWHERE = {"typer", "pydantic", "platformdirs", "filelock", "rich"}
MAY_TOUCH = {  # room -> other rooms and the heavy libraries it may import
    "tracer": {"torch", "transformers", "safetensors", "gguf", "numpy", "scipy", "jaxtyping", "pyarrow"},
    "agent": {
        *("tracer", "prompts", "langgraph", "langchain_core", "openai", "pydantic_settings"),
        *("chromadb", "numpy", "scipy"),
    },
    "ui": {"agent", "gradio", "starlette", "uvicorn", "fastapi", "mcp", "anyio"},
    "prompts": set(),
}
# The sentence encoder of the library comes as weights and a tokeniser; no other file of the agent reads such.
EXCEPTED = {"agent/embedder.py": {"safetensors", "tokenizers"}}
ONLY_IN = {  # a library or a room that just these files know
    "transformers": {"tracer/subject.py", "tracer/embedded.py"},
    "tokenizers": {"agent/embedder.py"},
    "pyarrow": {"tracer/windows.py"},
    "langgraph": {"agent/loop.py", "agent/session.py"},
    "openai": {"agent/llm.py"},
    "chromadb": {"agent/index.py"},
    "pydantic_settings": {"agent/settings.py"},
    "gradio": {"ui/app.py", "ui/page.py", "ui/widgets.py"},
    "uvicorn": {"ui/hosting.py"},
    "mcp": {"ui/mcp.py"},
    "anyio": {"ui/mcp.py"},
    "tracer": {
        *(
            "agent/tools.py",
            "agent/trials.py",
            "agent/joint.py",
            "agent/repairs.py",
            "agent/transfer.py",
            "agent/tryout.py",
        ),
        *("agent/desk.py", "agent/cases.py", "agent/picture.py", "agent/graph_view.py"),
        *("agent/exchange.py", "agent/foreign.py", "agent/health.py", "agent/suite_score.py"),
        *("agent/catalogue.py", "agent/describing.py", "agent/features.py", "agent/imports.py"),
        *("agent/llm_labels.py", "agent/turns.py"),
    },
}
KNOWN = set(MAY_TOUCH).union(*MAY_TOUCH.values(), *EXCEPTED.values(), ONLY_IN)
VAGUE = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py", "manager.py"}


def modules(source: str) -> set[str]:
    """Full names of the modules a file imports, wherever in the file it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def trespasses(path: str, source: str) -> set[str]:
    """The imports by which `path` breaks the floor plan."""
    room = path.split("/")[0]
    names = modules(source)
    seen = ({name.split(".")[0] for name in names} & KNOWN) - {room}
    allowed = MAY_TOUCH[room] | EVERYWHERE | EXCEPTED.get(path, set())
    closed = {name for name in seen if path not in ONLY_IN.get(name, {path})}
    windows = {  # another room is entered by its door, never by one of its files
        name for name in names if "." in name and name.split(".")[0] in set(MAY_TOUCH) - {room}
    }
    return (seen - allowed) | closed | windows


FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for room in MAY_TOUCH
    for path in sorted((ROOT / room).rglob("*.py"))
}


@pytest.mark.parametrize("path", FILES)
def test_a_room_reaches_only_what_it_may_touch(path):
    assert trespasses(path, FILES[path]) == set()


@pytest.mark.parametrize("path", FILES)
def test_a_file_can_be_read_in_one_sitting(path):
    assert FILES[path].count("\n") <= 400


@pytest.mark.parametrize("path", FILES)
def test_a_file_opens_with_a_sentence_and_has_a_telling_name(path):
    sentence = (ast.get_docstring(ast.parse(FILES[path])) or "").split("\n\n")[0]
    assert sentence.endswith((".", "!", "?"))
    assert Path(path).name not in VAGUE


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("tracer/")])
def test_the_tracer_reads_no_environment(path):
    assert "os.environ" not in FILES[path]
    assert "getenv" not in FILES[path]


@pytest.mark.parametrize(
    ("path", "source", "caught"),
    [
        ("tracer/graph.py", "import langgraph", {"langgraph"}),
        ("tracer/graph.py", "from transformers import AutoModel", {"transformers"}),
        ("tracer/view.py", "import agent", {"agent"}),
        ("agent/rules.py", "from torch import Tensor", {"torch"}),
        ("agent/rules.py", "import tracer", {"tracer"}),
        ("agent/tools.py", "from tracer.graph import Graph", {"tracer.graph"}),
        ("agent/library.py", "import chromadb", {"chromadb"}),
        ("agent/desk.py", "import gradio", {"gradio"}),
        ("ui/app.py", "def late():\n    import tracer", {"tracer"}),
        ("ui/app.py", "from agent.session import Session", {"agent.session"}),
        ("ui/render.py", "import gradio as gr", {"gradio"}),
        ("prompts/__init__.py", "import agent", {"agent"}),
        ("agent/tools.py", "import tracer", set()),
        ("agent/embedder.py", "import torch", {"torch"}),
        ("agent/embedder.py", "import safetensors", set()),
        ("tracer/embedded.py", "import transformers", set()),
        ("ui/app.py", "import agent\nimport gradio", set()),
    ],
)
def test_this_check_would_notice(path, source, caught):
    assert trespasses(path, source) == caught


@pytest.mark.parametrize("room", ["agent", "tracer"])
def test_what_a_door_names_is_there(room):
    door = importlib.import_module(room)
    assert [name for name in door.__all__ if not hasattr(door, name)] == []


def test_help_pays_for_no_heavy_library():
    code = (
        "import sys\n"
        "from ui.cli import main\n"
        "sys.argv = ['askcircuit', '--help']\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        "heavy = {'torch', 'transformers', 'gradio', 'chromadb', 'langgraph'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_the_network_guard_would_notice_a_connection(host, calls_out):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as outside,
        pytest.raises(ConnectionRefusedError, match="offline"),
    ):
        outside.connect((host, 80))
    assert len(calls_out) == 1
    calls_out.clear()


def test_the_network_guard_would_notice_a_look_up(calls_out):
    with pytest.raises(socket.gaierror, match="offline"):
        socket.getaddrinfo("huggingface.co", 443)
    assert calls_out == ["huggingface.co"]
    calls_out.clear()


def test_the_network_guard_lets_this_machine_talk_to_itself():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        client.sendall(b"hello")
        heard, _ = server.accept()
        with heard:
            assert heard.recv(5) == b"hello"
