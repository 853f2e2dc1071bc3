"""One question to two models: their answers side by side."""

from pathlib import Path
from typing import Any

import pytest
from planted import circuits

from agent import AgentError, Workspace, compare_models, open_workspace, read_settings, tell_comparison

FAMILIES = ("gpt2", "llama")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two small models that look the same word up, and their text."""
    folder = tmp_path_factory.mktemp("two")
    made = [circuits.lookup(folder / family, family) for family in FAMILIES]
    opened: list[Workspace] = []
    for one in made:
        settings = read_settings(
            model=str(one.folder), data_dir=folder / "data", cache_dir=folder / "cache", controls=19
        )
        opened.append(open_workspace(settings))
    yield tuple(opened), made[0].text
    for workspace in opened:
        workspace.close()


def test_both_answers_stand_side_by_side(both: Any) -> None:
    workspaces, text = both
    heard: set[str] = set()
    question = {"message": "", "text": text, "said": "Paris", "foil": "Rome"}
    found = compare_models(workspaces, question, lambda name, _event: heard.add(name))
    one, two = found["models"]
    assert {one["model"], two["model"]} == heard == {Path(w.settings.model).name for w in workspaces}
    assert (one["says"].strip(), two["says"].strip()) == ("Paris", "Paris")
    assert one["p_of_other"] == pytest.approx(one["p"])
    assert [report["text"] for report in found["answers"]] == [text, text]
    told = tell_comparison(found)
    assert "Both say the same." in told
    assert "| says | “Paris” (" in told
    assert "No concept is on one model's way alone" in told


def test_what_one_of_them_cannot_answer_is_said_with_its_name(both: Any) -> None:
    workspaces, _ = both
    with pytest.raises(AgentError, match=r"gpt2: .*empty"):
        compare_models(workspaces, {"message": "", "text": " ", "said": None, "foil": None})
