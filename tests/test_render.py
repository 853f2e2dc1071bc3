"""Events become chat messages and reports become terminal text, and no token becomes markup."""

import io
from types import SimpleNamespace

import pytest
from hypothesis import example, given, strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from agent import AnswerText, DrawingReady, Failed, ReportReady, StepProgress
from ui.base import chat_messages, terminal
from ui.page.open_conversations import read_focus, read_thread

HOSTILE = "<img src=x onerror=alert(1)> ![a](http://evil.example/x) [b](http://c.example) **d** `e`"
ESCAPES = "\x1b[31mred\x1b[0m \x07 \u202egnirts"


def heard(*events):
    turn = chat_messages.AnswerInProgress()
    for second, event in enumerate(events):
        turn = chat_messages.add_event(turn, event, float(second))
    return turn


def test_work_is_one_folding_message_with_ticks_and_time():
    turn = heard(
        StepProgress("predict", 0.0), StepProgress("predict", 1.0, "“ yen” 48 %"), StepProgress("trace", 0.4)
    )
    (progress,) = chat_messages.render_turn(turn, 7.2)
    assert progress["metadata"] == {"title": "Trace … 7 s", "status": "pending"}
    assert progress["content"].splitlines() == [
        "✓ Predict: “ yen” 48 % (1.0 s)",
        "◦ Trace 40%",
    ]


def test_after_the_answer_the_work_folds_away():
    turn = heard(
        StepProgress("trace", 1.0),
        DrawingReady({}),
        AnswerText("Because "),
        AnswerText("so."),
        ReportReady({}),
    )
    progress, said = chat_messages.render_turn(turn, 4.0, over=True)
    assert progress["metadata"] == {"title": "1 step in 4.0 s", "status": "done"}
    assert said == {"role": "assistant", "content": "Because so."}


def test_a_tick_that_changes_nothing_is_not_shown():
    pieces = list(chat_messages.stream_messages([StepProgress("trace", 0.5, ""), None, None]))
    assert [messages[0]["metadata"]["title"] for messages, _ in pieces] == ["Trace … 0 s", "1 step in 0.0 s"]


def test_a_failure_is_said_in_words_and_keeps_what_was_said():
    messages = chat_messages.render_turn(
        heard(AnswerText("Part"), Failed("The text is *empty*.")), 1.0, over=True
    )
    assert [each["content"] for each in messages] == ["Part", "**No answer.** The text is \\*empty\\*\\."]


def test_stopping_is_no_failure():
    messages = chat_messages.render_turn(
        heard(StepProgress("trace", 0.5), Failed("Stopped.")), 1.0, over=True
    )
    assert messages[-1]["content"] == "**Stopped.**"
    assert messages[0]["metadata"]["status"] == "done"


def test_before_anything_is_heard_there_is_a_sign_of_life():
    assert chat_messages.render_turn(chat_messages.AnswerInProgress(), 0.0) == [
        {"role": "assistant", "content": "…"}
    ]


@given(st.text())
@example(HOSTILE)
@example("1. a\n2. b")
@example("a title\n=")
@example("    code\n\n***\n> q")
@example("&lt; &amp; www.evil.example http://evil.example")
def test_words_are_shown_as_typed_and_never_as_markup(text):
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(chat_messages.escape_text(text))
    inline = [child for token in tokens if token.children for child in token.children]
    assert {child.type for child in inline} <= {"text", "text_special", "softbreak", "hardbreak"}
    assert {token.tag for token in tokens} <= {"", "p"}
    seen = "".join(child.content for child in inline)
    assert "".join(seen.split()) == "".join(chat_messages.show_hidden(text).split())


def test_the_past_shows_what_the_user_typed_as_typed():
    history = [
        {"role": "user", "content": "why **x**?"},
        {"role": "assistant", "content": "**Because**"},
    ]
    assert [each["content"] for each in chat_messages.render_history(history)] == [
        "why \\*\\*x\\*\\*?",
        "**Because**",
    ]


@pytest.mark.parametrize(
    ("boxes", "asked"),
    [
        (("Why?", "", "", ""), "Why?"),
        (("", "Texas is", "", ""), "Why does “Texas is” continue as it does?"),
        (("Why?", "A b", " c", " d"), "Why? · “A b” · said: “ c” · rather than: “ d”"),
        (("  ", "\n", "", ""), ""),
    ],
)
def test_what_was_asked_in_several_boxes_is_one_line(boxes, asked):
    assert chat_messages.write_question(*boxes) == asked


def test_the_chip_names_what_is_pinned():
    chip = chat_messages.render_focus({"kind": "supernode", "id": "S3", "label": "say Austin"})
    assert chip == "✕  asking about group S3: say Austin"


@pytest.mark.parametrize(
    "click",
    [
        SimpleNamespace(kind="", id="", label=""),
        SimpleNamespace(kind="script", id="S1", label="x"),
        SimpleNamespace(kind="node", id="x" * 101, label="x"),
        SimpleNamespace(),
    ],
)
def test_a_click_that_is_none_of_ours_pins_nothing(click):
    assert read_focus(click) is None


def test_a_click_pins_a_node_and_its_label_is_kept_short():
    click = SimpleNamespace(kind="node", id="L1.N2+@3", label="y" * 200)
    assert read_focus(click) == {"kind": "node", "id": "L1.N2+@3", "label": "y" * 80}


def test_a_thread_id_is_kept_only_if_it_looks_like_ours():
    assert read_thread("a" * 32) == "a" * 32
    made = [read_thread(value) for value in ("../../etc", None, 7, "A" * 32, "a" * 31)]
    assert len(set(made)) == 5
    assert all(len(each) == 32 for each in made)


def report(**changes):
    tests = {"n": 99, "mean": 0.0, "sd": 0.1, "max_abs": 0.31}
    whole = {
        "text": "Texas, whose capital is",
        "model": "google/gemma-3-270m",
        "tokens": ["<bos>", "Texas", ",", " whose", " capital", " is"],
        "predictions": [{"token": " Austin", "p": 0.27}, {"token": " Houston", "p": 0.01}],
        "question": {
            "answer": " Austin", "foil": " Houston", "premise": "true", "note": "", "asked": "Why?"
        },
        "graph": {
            "nodes": 250, "edges": 900, "completeness": 0.84, "replacement": 0.7,
            "unexplored": 0.1, "kept_influence": 0.9,
        },
        "supernodes": [
            {
                "id": name, "name": title, "kind": "say", "share": 0.22,
                "members": [{"layer": layer, "position": 5} for layer in (13, 16)],
            }
            for name, title in (("S1", "say Austin"), ("S2", "Texas"))
        ],
        "path": ["T1", "S2", "S1", "LD"],
        "claims": [
            {
                "kind": "effect", "groups": ["S1"], "intervention": {"kind": "ablate", "factor": 0.0},
                "predicted": -2.3, "measured": -2.1, "controls": tests, "p": 0.01,
                "verdict": "supported",
            }
        ],
        "answer": {"markdown": "**Because** of Texas.", "sentences": []},
        "cost": {"seconds": 7.9, "forward_passes": 12, "rows": 3},
    }  # fmt: skip
    return {**whole, **changes}


def printed(renderable, width=110):
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(renderable)
    return out.getvalue()


def test_the_terminal_shows_guesses_path_groups_and_scores():
    text = printed(terminal.render_answer(report()))
    assert "“ Austin”" in text
    assert "27.0%" in text
    assert "“Texas” → Texas → say Austin → “ Austin” − “ Houston”" in text
    row = next(line for line in text.splitlines() if line.strip().startswith("S1 say Austin"))
    assert row.split()[-7:] == ["−2.30", "−2.10", "≤", "0.31", "0.01", "✓", "supported"]
    assert "? untested" in text
    assert "completeness 0.84" in text


def test_a_false_premise_is_said_first():
    question = {**report()["question"], "premise": "false", "note": "It says Austin, not Dallas."}
    answer = {"markdown": "It says Austin, not Dallas\\.\n\nBecause.", "sentences": []}
    text = printed(terminal.render_answer(report(question=question, answer=answer)))
    assert text.startswith("Note  It says Austin, not Dallas.")
    assert text.count("not Dallas") == 1
    assert "Because." in text


def test_no_control_code_of_a_model_reaches_the_terminal():
    tokens = ["<bos>", ESCAPES, ",", " whose", " capital", " is"]
    groups = [{**each, "name": ESCAPES} for each in report()["supernodes"]]
    answer = {"markdown": f"It says {ESCAPES}", "sentences": []}
    text = printed(
        terminal.render_answer(report(tokens=tokens, supernodes=groups, answer=answer, text=ESCAPES))
    )
    assert not any(sign in text for sign in "\x1b\x07\u202e")
    assert "‹1b›[31mred" in text


def test_a_guess_with_line_breaks_is_one_line():
    guesses = [{"token": "\n\n  ", "p": 0.5}, {"token": " x", "p": 0.25}]
    lines = printed(terminal.render_predictions(report(predictions=guesses))).splitlines()
    assert [line.split("%")[0].split() for line in lines[1:3]] == [["“⏎⏎", "”", "50.0"], ["“", "x”", "25.0"]]


def test_the_answer_can_be_read_in_a_narrow_terminal():
    text = printed(terminal.render_answer(report()), width=60)
    assert max(len(line) for line in text.splitlines()) <= 60


def test_a_quote_from_right_to_left_turns_nothing_round_it():
    assert (
        chat_messages.isolate_quotes("“ مدينة” (24 %) and “ Austin”")
        == "“\u2068 مدينة\u2069” (24 %) and “ Austin”"
    )
