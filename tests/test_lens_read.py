"""The lens read on a text by each door: a session, Python, machines, the terminal; and refusals in words."""

import threading
from typing import Any

import pytest
from rich.console import Console
from tests_support import tiny_subject
from typer.testing import CliRunner

from agent import AgentError, LensReading, ReadWord, Session, read_settings
from agent.answers import DrawnLens, lens_drawn
from agent.core import ConceptsClaim
from agent.features.label_store import Library
from agent.workspace.workspace import Workspace
from askcircuit.session import Session as Door
from tracer import kept_lens, read_table
from ui.base import lens_markdown, lens_tables
from ui.base.model_loading import wrap_workspace
from ui.commands.cli import app
from ui.machines.verb_list import validate_arguments
from ui.machines.verbs import Call, Client

FUJI = "Mount Fuji is the tallest mountain in"


@pytest.fixture(scope="module")
def workspace(embedded_subject: Any, cache_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("lens")
    settings = read_settings(data_dir=folder, cache_dir=cache_folder)
    workspace = Workspace(settings, embedded_subject, Library.open(folder / "library"))
    yield workspace
    workspace.close()


def test_a_session_reads_it_and_the_drawing_holds_the_same(workspace: Any) -> None:
    reading = Session(workspace, "a").read_lens(FUJI)
    lens, study = workspace.lens(), workspace.study(FUJI)
    table = read_table(study.frozen, lens, workspace.words)
    assert reading.layers == lens.layers
    found = [[[one.token for one in best] for best in row] for row in reading.cells]
    assert [word for row in found for best in row for word in best] == workspace.subject.token_texts(
        table.tokens.flatten().tolist()
    )
    fuji = reading.positions.index(reading.tokens.index(" Fuji"))
    assert any(one.token == " Japan" for row in reading.cells for one in row[fuji])
    places = [(layer, 18 - layer) for layer in lens.layers]
    read = ConceptsClaim(id="C1", verdict="observed", concepts=[], lead=1.0, answer_places=places)
    drawn = DrawnLens.model_validate(lens_drawn(workspace, FUJI, [read]))
    assert [[[token for token, _ in best] for best in row] for row in drawn.cells] == found
    assert drawn.places == [18 - layer for layer in drawn.layers]
    assert lens_drawn(workspace, FUJI, []) is None  # where no concept was asked for


def test_a_long_text_is_drawn_by_its_last_words(workspace: Any) -> None:
    read = ConceptsClaim(id="C1", verdict="observed", concepts=[], lead=1.0)
    text = " ".join(["The tallest mountain of Japan is not in Tokyo."] * 8)
    drawn = DrawnLens.model_validate(lens_drawn(workspace, text, [read]))
    tokens = workspace.study(text).tokens
    assert drawn.positions == list(range(len(tokens) - 48, len(tokens)))
    assert drawn.places == []


def test_one_word_and_more_of_its_best(workspace: Any) -> None:
    session = Session(workspace, "b")
    reading = session.read_lens(FUJI, at="Fuji", best=5)
    assert [reading.tokens[at] for at in reading.positions] == [" Fuji"]
    rows = reading.rows()
    assert [row["rank"] for row in rows[:5]] == [1, 2, 3, 4, 5]
    assert len(rows) == 5 * len(reading.layers)


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        (FUJI, {"at": "Everest"}, "no word “Everest”"),
        (FUJI, {"best": 0}, "From 1 to 50"),
        ("  ", {}, "text is empty"),
        (None, {}, "no text yet"),
        ("word " * 9000, {}, "token"),
    ],
)
def test_what_cannot_be_read_is_told(workspace: Any, text: Any, more: dict[str, Any], told: str) -> None:
    with pytest.raises(AgentError, match=told):
        Session(workspace, "c").read_lens(text, **more)


def test_a_model_without_a_lens_says_so(tiny: Any, tmp_path: Any) -> None:
    settings = read_settings(data_dir=tmp_path, cache_dir=tmp_path)
    subject = tiny_subject(tiny, "gpt2")
    broken = kept_lens(subject, tmp_path)
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no lens")
    with Workspace(settings, subject, Library.open(tmp_path / "library")) as bare:
        with pytest.raises(AgentError, match="Concepts cannot be read"):
            Session(bare, "d").read_lens("w1 w2 w3")
        read = ConceptsClaim(id="C1", verdict="observed", concepts=[], lead=1.0)
        assert lens_drawn(bare, "w1 w2 w3", [read]) is None


def test_machines_get_a_table_and_its_values(workspace: Any) -> None:
    call = Call(Client(True, wrap_workspace(workspace), 1), lambda _said: None, threading.Event())
    result = validate_arguments("lens", {"text": FUJI, "best": 2}).run(call)
    assert result.words.splitlines()[0].startswith("| layer | Mount | Fuji |")
    assert len(result.data["cells"]) == len(result.data["layers"])
    assert {len(best) for row in result.data["cells"] for best in row} == {2}


def test_a_terminal_shows_as_many_tables_as_its_width_asks_for() -> None:
    best = (ReadWord(" Ja[b]pan", 7.0), ReadWord(" \u202eFuji", None))
    reading = LensReading("", ("the", " cat", " of"), (0, 3), (0, 1, 2), ((best,) * 3,) * 2)
    wide, narrow = (list(lens_tables(reading, width)) for width in (100, 40))
    assert (len(wide), len(narrow)) == (1, 2)
    console = Console(width=100, record=True)
    console.print(wide[0])
    shown = console.export_text().splitlines()
    lines = [line.split() for line in shown if line.strip()]
    assert lines[0] == ["L3", "Ja[b]pan", "Ja[b]pan", "Ja[b]pan"]  # upward
    assert lines[-1] == ["the", "cat", "of"]
    console.print(next(lens_tables(reading.last(1), 100)))
    assert "Ja[b]pan 7.0 · ‹202e›Fuji" in console.export_text()
    assert "| 3 | Ja\\[b\\]pan 7.0 |" in lens_markdown(reading)


def test_the_command_asks_for_a_text_where_a_word_is_named() -> None:
    done = CliRunner().invoke(app, ["lens", "show", "--at", "Fuji"])
    assert done.exit_code != 0
    assert "give the text as well" in str(done.exception)


def test_python_gives_a_table(workspace: Any) -> None:  # last: its end closes the workspace
    table = Door(workspace).lens(FUJI, at="Fuji")
    assert list(table.columns) == ["layer", "position", "word", "rank", "token", "score"]
    assert " Tokyo" in set(table[table["rank"] == 1]["token"])
