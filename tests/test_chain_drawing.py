"""The chain in a drawing and the folds of an answer, without a browser and without a model."""

import pytest
from pydantic import ValidationError

from agent.answers.bundle import escape_message
from agent.answers.concept_drawing import change_drawn
from agent.answers.drawing_chain import Changed, DrawnConcept
from ui.reports.folds import rendered

FOLDED = "Texas.\n\n<details><summary>The evidence</summary>\n\n**Tests.** One.\n\n</details>\n\nOpen."


def test_a_fold_is_a_fold_and_every_other_tag_is_text():
    html = rendered(f"<b>no</b>\n\n{FOLDED}\n\n<details open onclick=alert(1)>")
    assert html.count("<details>") == html.count("</details>") == 1
    assert "<summary>The evidence</summary>" in html
    assert "<strong>Tests.</strong>" in html
    assert "&lt;b&gt;no" in html
    assert "<details open" not in html


def test_a_bundle_keeps_its_folds_and_no_other_tag():
    message = {
        "role": "assistant",
        "content": f"{FOLDED}\n<details onclick=x>\n<summary>a</summary><img src=x>",
    }
    lines = escape_message(message)["content"].split("\n")
    assert [line for line in lines if line.startswith("<")] == [
        "<details><summary>The evidence</summary>",
        "</details>",
    ]


def test_a_concept_of_another_shape_is_refused():
    known = {"id": "K1", "name": "Texas", "tokens": [" Texas"], "position": 2, "layers": [3, 5]}
    DrawnConcept.model_validate({**known, "role": "concept", "strength": 4.0})
    with pytest.raises(ValidationError):
        DrawnConcept.model_validate({**known, "id": "<b>", "role": "concept", "strength": 4.0})


def test_a_removal_tells_tokens_before_and_after():
    claim = {
        "kind": "effect",
        "id": "C2",
        "turn": 2,
        "text": "",
        "verdict": "supported",
        "groups": ["S1"],
        "intervention": {"kind": "ablate", "factor": 0.0},
        "says": [{"token": " Dallas", "p": 0.6}],
    }
    case = {"answer": " Austin", "predictions": [{"token": " Austin", "p": 0.5}]}
    state = {"turn": 2, "question": {"intent": "intervene"}, "case": case, "claims": [claim]}
    drawn = change_drawn(state)
    assert Changed.model_validate(drawn).about == ["S1"]
    assert [(one["token"], one["before"], one["after"]) for one in drawn["tokens"]] == [
        (" Dallas", None, 0.6),
        (" Austin", 0.5, None),
    ]
    assert change_drawn({**state, "question": {"intent": "why"}}) is None
