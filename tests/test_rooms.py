"""The floor plan as a test: who may import whom, and how long a file may get."""

import ast
import importlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EVERYWHERE = {"lazy_loader", "typer", "pydantic", "platformdirs", "filelock", "rich"}
MAY_TOUCH = {  # room -> other rooms and the heavy libraries it may import
    "tracer": {"torch", "transformers", "safetensors", "gguf", "numpy", "scipy", "jaxtyping", "pyarrow"},
    "agent": {
        *("tracer", "prompts", "langgraph", "langchain_core", "openai", "pydantic_settings"),
        *("chromadb", "numpy", "scipy", "ray"),
    },
    "ui": {"agent", "gradio", "starlette", "uvicorn", "fastapi", "mcp", "anyio", "jinja2"},
    "askcircuit": {"agent", "ui", "pandas"},
    "prompts": set(),
}
PACKAGES = {  # room -> its packages, lowest first: a package imports only what stands before it
    "tracer": (
        *("models", "attribution", "transcoders", "interventions", "study", "autointerp"),
        *("lens", "concepts", "graph_files"),
    ),
    "agent": (
        *("core", "questions", "features", "workspace", "evidence", "experiments", "planners"),
        *("answers", "session", "graph_files", "suites"),
    ),
    "ui": ("base", "server", "reports", "page", "machines", "commands"),
    "askcircuit": (),
    "prompts": (),
}
# A room without a door of its own: the packages of it that another room may enter, by their doors.
ENTERED = {"askcircuit": {"ui.reports"}}
# The sentence encoder of the library comes as weights and a tokeniser; no other file of the agent reads such.
EXCEPTED = {"agent/core/sentence_encoder.py": {"safetensors", "tokenizers"}}
ONLY_IN = {  # a library or a room that just these files know
    "transformers": {
        *("tracer/models/model.py", "tracer/models/checkpoint.py", "tracer/models/gguf_conversion.py"),
    },
    "tokenizers": {"agent/core/sentence_encoder.py"},
    "pandas": {"askcircuit/tables.py"},
    "pyarrow": {"tracer/autointerp/windows.py"},
    "langgraph": {
        *("agent/workspace/conversations.py", "agent/session/loop.py", "agent/session/session.py"),
    },
    "ray": {"agent/suites/ray_cluster.py"},
    "openai": {"agent/core/llm_client.py"},
    "chromadb": {"agent/features/vector_index.py"},
    "pydantic_settings": {"agent/core/settings.py"},
    "gradio": {
        *("ui/page/app.py", "ui/page/handlers.py", "ui/page/widgets.py"),
        *("ui/page/asking.py", "ui/page/writing_options.py"),
    },
    "jinja2": {"ui/reports/templates.py"},
    "uvicorn": {"ui/server/hosting.py"},
    "mcp": {"ui/machines/mcp.py"},
    "anyio": {"ui/machines/mcp.py"},
    "tracer": {
        *(
            "agent/core/ids.py",
            "agent/core/text_format.py",
            "agent/session/executor.py",
            "agent/experiments/hypothesis_tests.py",
            "agent/experiments/joint_ablation.py",
            "agent/experiments/minimal_edits.py",
            "agent/experiments/generalisation.py",
            "agent/experiments/manual_intervention.py",
        ),
        *(
            "agent/core/ids.py",
            "agent/workspace/workspace.py",
            "agent/workspace/lenses.py",
            "agent/experiments/concept_reading.py",
            "agent/experiments/concept_exchange.py",
            "agent/experiments/concept_tests.py",
            "agent/experiments/deciding_words.py",
            "agent/experiments/mechanism_tests.py",
            "agent/experiments/word_routes.py",
            "agent/experiments/written_further.py",
            "agent/evidence/contrast.py",
            "agent/answers/drawing.py",
            "agent/graph_files/file_drawing.py",
            "agent/graph_files/file_sentences.py",
            "agent/graph_files/head_looks.py",
            "agent/graph_files/own_file.py",
        ),
        *(
            "agent/graph_files/exchange.py",
            "agent/graph_files/file_answer.py",
            "agent/workspace/capacity.py",
            "agent/suites/baseline_scores.py",
        ),
        *(
            "agent/features/catalogue.py",
            "agent/features/autointerp.py",
            "agent/features/lookup.py",
            "agent/features/import_labels.py",
        ),
        *("agent/features/llm_autointerp.py", "agent/workspace/question_queue.py"),
        *("agent/evidence/several_tokens.py", "agent/experiments/held_changes.py", "agent/session/writer.py"),
        *("agent/experiments/concept_bench.py", "agent/experiments/concept_carriers.py"),
        "agent/experiments/lens_table.py",
    },
}
LOOSE = {
    "tracer": {"errors", "cancellation", "feature_ids"},
    "agent": set(),
    "ui": set(),
    "askcircuit": set(),
    "prompts": set(),
}  # for every package
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
        name
        for name in names - ENTERED.get(room, set())
        if "." in name and name.split(".")[0] in set(MAY_TOUCH) - {room}
    }
    return (seen - allowed) | closed | windows | _against_the_order(path, names)


def _against_the_order(path: str, names: set[str]) -> set[str]:
    """Imports of a package that stands higher, and of a file of another package than through its door."""
    room, *rest = path.removesuffix(".py").split("/")
    own = rest[0] if len(rest) > 1 else None
    order = PACKAGES[room]
    if own is None:  # the room's door and its __main__ may use every package
        return set()
    out = set()
    for name in names:
        parts = name.split(".")
        if parts[0] != room or len(parts) < 2 or parts[1] == own:
            continue
        if parts[1] in order:
            if order.index(parts[1]) > order.index(own) or len(parts) > 2:
                out.add(name)
        elif own in order and parts[1] not in LOOSE[room]:
            out.add(name)
    return out


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
        ("tracer/attribution/graph.py", "import langgraph", {"langgraph"}),
        ("tracer/attribution/graph.py", "from transformers import AutoModel", {"transformers"}),
        ("tracer/study/traced_study.py", "import agent", {"agent"}),
        ("agent/planners/rule_planner.py", "from torch import Tensor", {"torch"}),
        ("agent/planners/rule_planner.py", "import tracer", {"tracer"}),
        (
            "agent/session/executor.py",
            "from tracer.attribution.graph import Graph",
            {"tracer.attribution.graph"},
        ),
        ("agent/features/label_store.py", "import chromadb", {"chromadb"}),
        ("agent/workspace/workspace.py", "import gradio", {"gradio"}),
        ("ui/page/app.py", "def late():\n    import tracer", {"tracer"}),
        ("ui/page/app.py", "from agent.session import Session", {"agent.session"}),
        ("ui/base/chat_messages.py", "import gradio as gr", {"gradio"}),
        ("ui/machines/mcp.py", "import askcircuit", {"askcircuit"}),
        ("askcircuit/session.py", "from ui.reports import as_html\nimport agent", set()),
        ("askcircuit/session.py", "from ui.page import serve\nimport tracer", {"ui.page", "tracer"}),
        ("askcircuit/session.py", "import pandas", {"pandas"}),
        ("prompts/__init__.py", "import agent", {"agent"}),
        ("tracer/models/model.py", "from tracer.study import Study", {"tracer.study"}),
        ("tracer/study/study.py", "from tracer.models.model import Subject", {"tracer.models.model"}),
        ("tracer/study/study.py", "from tracer.models import Subject", set()),
        ("tracer/study/study.py", "from tracer.errors import TextError", set()),
        ("agent/core/llm_client.py", "from agent.answers import compose", {"agent.answers"}),
        ("agent/session/executor.py", "import tracer", set()),
        ("agent/core/sentence_encoder.py", "import torch", {"torch"}),
        ("agent/core/sentence_encoder.py", "import safetensors", set()),
        ("tracer/models/gguf_conversion.py", "import transformers", set()),
        ("ui/page/app.py", "import agent\nimport gradio", set()),
    ],
)
def test_this_check_would_notice(path, source, caught):
    assert trespasses(path, source) == caught


DOORS = sorted(
    path.removesuffix("/__init__.py").replace("/", ".") for path in FILES if path.endswith("__init__.py")
)


@pytest.mark.parametrize("package", DOORS)
def test_what_a_door_names_is_there(package):
    door = importlib.import_module(package)
    assert [name for name in getattr(door, "__all__", ()) if not hasattr(door, name)] == []


@pytest.mark.parametrize("room", [room for room in PACKAGES if PACKAGES[room]])
def test_every_package_has_its_place_in_the_order(room):
    there = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
    assert there == set(PACKAGES[room])


def test_help_pays_for_no_heavy_library():
    code = (
        "import sys\n"
        "from ui.commands.cli import main\n"
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
