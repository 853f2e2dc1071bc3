"""A long text's window: all within it is as in the whole text, and what stands before is one constant."""

from functools import partial
from typing import Any

import pytest
import torch
from tests_support import FAMILIES, WORDS, tiny_subject
from tolerance import SHARPENED, assert_close

LENGTH, WINDOW = 14, 6
START = LENGTH - WINDOW
same = partial(assert_close, roundings=SHARPENED, dtype=torch.float32)  # Hugging Face's norms are float32


def check_sum(row: Any, sources: Any, target: Any) -> None:
    """A row adds up to its target: blocks hold what their units write, too."""
    rest = torch.ones(row.shape[1], dtype=torch.bool)
    rest[sources.unit_column] = False
    same(row[:, rest].sum(1), target.value, size=float(row.abs().sum()))


@pytest.fixture(params=FAMILIES)
def both(request: pytest.FixtureRequest, tiny: Any) -> tuple[Any, Any]:
    """The whole text and its window, frozen."""
    from tracer.attribution import freeze, freeze_window

    subject = tiny_subject(tiny, request.param)
    ids = torch.randint(0, WORDS, (LENGTH,), generator=torch.Generator().manual_seed(5))
    return freeze(subject, ids), freeze_window(subject, ids, WINDOW)


def change(start: int) -> Any:
    """A few neurons of the window's third word set to other values."""
    from tracer.attribution import Units
    from tracer.interventions import Change

    place = start + 2
    units = Units(torch.tensor([0, 1]), torch.tensor([place, place]), torch.tensor([3, 5]))
    return Change(units, torch.tensor([0.7, -0.4], dtype=torch.float64))


def test_is_the_end_of_the_whole_text(both: tuple[Any, Any]) -> None:
    whole, window = both
    assert (window.length, window.before, len(window.whole_ids)) == (WINDOW, START, LENGTH)
    same(window.logits, whole.logits)
    same(window.final_stream, whole.final_stream[START:])
    for own, other in zip(window.layers, whole.layers, strict=True):
        same(own.stream, other.stream[START:])
        same(own.acts, other.acts[START:])
        same(own.pattern, other.pattern[:, START:, START:])


def test_rows_add_up_and_edges_are_those_of_the_whole_text(both: tuple[Any, Any]) -> None:
    from tracer.attribution import Units, direct_rows, logit_difference, neuron_sources, neuron_targets

    rows = []
    for frozen in both:
        at = torch.full((2,), frozen.length - 3)
        sources = neuron_sources(frozen, Units(torch.tensor([0, 0]), at, torch.tensor([3, 5])))
        for target in (
            logit_difference(frozen, 3, 50),
            neuron_targets(frozen, torch.tensor([1]), torch.tensor([frozen.length - 1]), torch.tensor([7])),
        ):
            row = direct_rows(frozen, target, sources)
            check_sum(row, sources, target)
            rows.append(row[:, sources.unit_column])
    same(rows[0], rows[2])
    same(rows[1], rows[3])


def test_changes_do_the_same(both: tuple[Any, Any]) -> None:
    from tracer.attribution import logit_difference, total_effects
    from tracer.interventions import full_logits, measure, measure_frozen, predict_exact, predict_frozen

    whole, window = both
    given = [(whole, [change(START)]), (window, [change(0)])]
    same(*(full_logits(frozen, changes[0]) for frozen, changes in given))
    same(*(measure(frozen, changes, (3, 50)).logits for frozen, changes in given))
    same(*(predict_exact(frozen, changes, (3, 50)).logits for frozen, changes in given))
    for linear in (measure_frozen, predict_frozen):
        direction = [logit_difference(frozen, 3, 50).direction[0] for frozen, _ in given]
        same(
            *(
                linear(frozen, changes, one).logits
                for (frozen, changes), one in zip(given, direction, strict=True)
            )
        )
    effects = [total_effects(frozen, logit_difference(frozen, 3, 50))[0] for frozen in both]
    same(effects[0][:, START:], effects[1])


def test_other_words_slopes_and_attention_are_the_same(both: tuple[Any, Any]) -> None:
    from tracer.concepts.mechanisms.texts import logits_with, says_along
    from tracer.concepts.slopes import lead_gradient
    from tracer.interventions import attention_patterns

    whole, window = both
    others = [[((start + at, 11),) for at in (1, 4)] for start in (START, 0)]
    same(logits_with(whole, others[0]), logits_with(window, others[1]))
    same(lead_gradient(whole, 3, ())[:, START:], lead_gradient(window, 3, ()))
    for own, other in zip(attention_patterns(window), attention_patterns(whole), strict=True):
        same(own, other[:, START:, START:])
    assert says_along(window.subject, window) == says_along(whole.subject, whole)[START:]


def test_a_word_put_elsewhere_runs_the_text_from_there_on(both: tuple[Any, Any]) -> None:
    from tracer.concepts.mechanisms.texts import logits_with
    from tracer.models import hook_before

    whole, window = both
    subject, seen = whole.subject, list[int]()
    for frozen, start in ((whole, 0), (window, START)):
        place = LENGTH - 3 - start
        logits_with(frozen, [((place, 11),)])  # what comes before is remembered now
        count = hook_before(subject.blocks[0], lambda _m, args: seen.append(args[0].shape[1]))
        try:
            found = logits_with(frozen, [((place, 11),), ((place, 12), (place + 1, 7))])
        finally:
            count.remove()
        ids = whole.ids.clone()
        ids[LENGTH - 3] = 11
        same(found[0], subject.logits(ids))
    assert seen == [3, 3]


def test_words_put_near_each_other_are_run_together(both: tuple[Any, Any]) -> None:
    from tracer.concepts.mechanisms.texts import logits_with
    from tracer.models import hook_before

    whole, seen = both[0], list[tuple[int, ...]]()
    rows = [((9, 11),), ((12, 7),), ((10, 3), (13, 4))]
    logits_with(whole, rows[:1])  # what comes before is remembered now
    count = hook_before(whole.subject.blocks[1], lambda _m, args: seen.append(tuple(args[0].shape[:2])))
    try:
        found = logits_with(whole, rows)
    finally:
        count.remove()
    for row, places in zip(found, rows, strict=True):
        ids = whole.ids.clone()
        for place, token in places:
            ids[place] = token
        same(row, whole.subject.logits(ids))
    assert seen == [(3, LENGTH - 9)]


def test_keys_are_moved_in_pieces(both: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.attribution import Units, direct_rows, logit_difference, neuron_sources, neuron_targets

    whole, rows = both[0], list[Any]()
    at = torch.tensor([4, 9])
    sources = neuron_sources(whole, Units(torch.tensor([0, 0]), at, torch.tensor([3, 5])))
    targets = neuron_targets(whole, torch.tensor([1, 1]), torch.tensor([9, 13]), torch.tensor([7, 2]))
    for pieces in (64, 3):
        monkeypatch.setattr("tracer.attribution.frozen_text.KEYS_AT_ONCE", pieces)
        rows.append([direct_rows(whole, one, sources) for one in (targets, logit_difference(whole, 3, 50))])
    for one, other in zip(*rows, strict=True):
        same(one, other, size=float(one.abs().sum()))


def test_what_stands_before_is_counted_in_one_place(both: tuple[Any, Any]) -> None:
    """A window of one word: all but the word and its layers comes from before."""
    from tracer.attribution import Units, direct_rows, freeze_window, logit_difference, neuron_sources

    whole, _ = both
    none = torch.zeros(0, dtype=torch.long)
    last = freeze_window(whole.subject, whole.ids, 1)
    target = logit_difference(last, 3, 50)
    row = direct_rows(last, target, neuron_sources(last, Units(none, none, none)))
    check_sum(row, neuron_sources(last, Units(none, none, none)), target)
    assert freeze_window(whole.subject, whole.ids, LENGTH + 3).before == 0


def test_a_study_looks_at_the_end_of_a_long_text(tiny: Any) -> None:
    from agent.evidence.contrast import settle_case
    from tracer import Study, TextError, TracedStudy, Window

    subject, text = tiny_subject(tiny, "gemma3"), "w5 w9 w33 w2 w71 w8 w4 w9 w3"
    study = Study(subject, text, 64, window=Window(4))
    assert (study.tokens, study.before, len(study.ids)) == (("w8", "w4", "w9", "w3"), 5, 9)
    assert text[study.begins_at :] == "w8 w4 w9 w3"
    case = settle_case(study, {"text": text})
    assert case["window"] == (5, study.begins_at)
    assert "The text has 9 tokens. Looked at are its last 4, from “w8w4w9w3” on" in case["note"]
    traced = TracedStudy(study.contrast(3, 50), 40)
    assert traced.graph.residual() < 1e-5
    assert study.going_on([7]).startswith(text)
    named = Study(subject, text, 64, window=Window(6, since="w9 w3"))
    assert named.tokens == ("w9", "w3")
    assert Study(subject, text, 64, window=Window(64)).before == 0
    for window, why in (
        (Window(2, since="w33"), "has 7 tokens; at most 2"),
        (Window(4, "w1"), "not contain"),
    ):
        with pytest.raises(TextError, match=why):
            Study(subject, text, 64, window=window)


def test_a_named_window_holds_for_a_text_and_what_goes_on_with_it(tiny: Any, tmp_path: Any) -> None:
    from agent import read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    text = "w5 w9 w33 w2 w71 w8"
    settings = read_settings(data_dir=tmp_path, window=4)
    with Workspace(settings, tiny_subject(tiny, "llama"), Library.open(tmp_path / "library")) as workspace:
        assert workspace.study(text).before == 2
        workspace.look_from(text, since="w71")
        assert workspace.study(text).tokens == ("w71", "w8")
        ids = workspace.study(text).ids
        assert workspace.study(f"{text} w2").before == 3  # what somebody else types is a text of its own
        workspace.know_written(f"{text} w3", [*ids, 3])
        assert workspace.study(f"{text} w3").tokens == ("w71", "w8", "w3")
        workspace.look_from(text)  # asked again, and no place named
        assert workspace.study(text).before == 2
        workspace.know_window(text, 3)
        assert workspace.study(text).before == 3
