"""It decides: different texts on the real model take different paths, and the log says why in a line each."""

import pytest

from agent import Session, collect_report, read_settings
from agent.evidence.contrast import choose_label, settle_case
from agent.evidence.supernodes import group_features
from tracer import TracedStudy

OXYGEN = ("Water is made of hydrogen and", " oxygen", " carbon")
MARY = ("John and Mary went to the store. John gave a drink to", " Mary", " John")
PI = ("3.14159265", None, None)
FRANCE = ("the red capital of France is", "Paris", "Rome")  # of the planted model


@pytest.fixture(scope="module")
def workspace(plain_desk):
    return plain_desk


def walked(workspace, case, **settings):
    """The report of one why and its log as (action, why) pairs."""
    plain = workspace.settings
    if settings:
        workspace.settings = read_settings(data_dir=plain.data_dir, **settings)
    try:
        text, said, foil = case
        report = collect_report(
            Session(workspace, f"{text}{settings}").ask("", text=text, said=said, foil=foil)
        )
    finally:
        workspace.settings = plain
    assert report["answer"]["refused"] == []
    log = [(line["action"], line["why"]) for line in report["log"]]
    assert all(why and "\n" not in why for _, why in log)
    return report, log


def kinds(log):
    return [action for action, _ in log]


def done(report):
    return {
        "+".join(c["groups"]): c for c in report["claims"] if c["kind"] == "effect" and c.get("p") is not None
    }


def test_a_settled_answer_stops_the_tests(workspace):
    report, log = walked(workspace, OXYGEN)
    first = next(why for action, why in log if action == "hypothesise")
    assert first.startswith("main hypothesis: S1 carries ' oxygen'; beside it S2")
    assert log[-1][0] == "answer"
    tests = done(report)
    effect = f"−{-tests['S1']['measured']:.2f}"
    settled = f"settled: S1 is supported ({effect}), and no group left is foreseen to do 25 %"
    assert log[-1][1].startswith(settled)
    assert 2 <= report["tests_run"] < len(report["supernodes"])
    most = max(abs(c["measured"]) for c in tests.values())
    left = [g for g in report["supernodes"] if g["id"] not in tests]
    assert left
    assert all(abs(g["effect"]) < 0.25 * most for g in left)
    said = [s["text"] for s in report["answer"]["sentences"]]
    assert any(t.startswith(left[0]["id"]) and t.endswith("not tested.") for t in said)
    # without a lens, too, words are exchanged, and followed to the last one
    assert [s for s in said if "“hydrogen”" in s and s.endswith(": tested.")]
    assert [c for c in report["claims"] if c["kind"] == "route"]
    assert "Concepts cannot be read yet." in said


def test_a_spent_budget_stops_the_tests_and_is_told(workspace):
    report, log = walked(workspace, OXYGEN, max_passes=100)
    assert log[-1] == ("answer", "the budget of 100 forward passes is spent")
    assert report["tests_run"] == 1
    assert "The budget of this question was spent before C" in report["answer"]["markdown"]


def test_a_hypothesis_that_fails_is_followed_by_the_next(planted_desk):
    """Beside three controls nothing can be supported."""
    fails_and_goes_on(*walked(planted_desk, FRANCE, controls=3), FRANCE[1])


@pytest.mark.slow
def test_a_hypothesis_of_the_real_model_that_fails_is_followed_by_the_next(workspace):
    fails_and_goes_on(*walked(workspace, MARY), MARY[1])


def fails_and_goes_on(report, log, answer):
    first = next(c for c in report["claims"] if c["kind"] == "effect")
    assert first["verdict"] in ("inconclusive", "refuted")
    following = [why for action, why in log if action == "hypothesise"][1]
    assert following.startswith(f"{'+'.join(first['groups'])} is {first['verdict']} (predicted ")
    assert "next hypothesis, S" in following
    assert following.endswith(f" carries '{answer}'")
    order = kinds(log)
    assert order.index("test") < len(order) - 1 - order[::-1].index("hypothesise")  # registered after a test


def test_a_dark_graph_is_made_larger_and_loose_groups_are_parted(workspace):
    report, log = walked(workspace, PI, controls=3)  # what is tested, and how, is not looked at here
    made = [(action, why) for action, why in log if action in ("predict", "trace", "prune")]
    assert kinds(made) == ["predict", "trace", "trace", "prune"]
    assert made[2][1].endswith("of the influence is unexplored: trace twice as many neurons")
    assert report["graph"]["traced"] == 2000
    assert report["graph"]["unexplored"] < 0.5
    (parted,) = [why for action, why in log if action == "split"]
    assert "act on different things: group them otherwise" in parted


def test_the_same_text_gives_the_same_groups_whenever_it_is_traced(workspace):
    """Jaccard 1.0 on repeats: two traces of their own, features described and grouped anew."""
    study = workspace.study(PI[0])
    case = settle_case(study, {"said": None, "foil": None})
    found = []
    for _ in range(2):
        traced = TracedStudy(study.contrast(case["answer_id"], case["foil_id"]), 300)
        features = [
            {**f._asdict(), "role": f.role.value, "label": choose_label(f._asdict())}
            for f in traced.features()
        ]
        found.append(
            group_features(features, case, study.layers, lambda ids, t=traced: t.raised_together(ids, 6))
        )
    assert found[0]
    for mine, theirs in zip(*found, strict=True):
        both = [set(mine["members"]), set(theirs["members"])]
        assert len(both[0] & both[1]) / len(both[0] | both[1]) == 1.0
        assert mine == theirs
