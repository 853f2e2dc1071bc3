"""What a suite's bundles show as a whole: figures from what was measured, and nothing else. Runs no model.

Everything here is derived from the files of a results folder, so `replay` derives it again.
"""

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from agent.answers import Bundle, read_bundle
from agent.core import AgentError, ControlledClaim, EffectClaim, TestedClaim, show_change
from agent.evidence import HOLDING_VERDICTS, LEVEL, MIN_EFFECT, adjust_holm, p_value
from agent.suites.schema import Suite, SuiteCase, SuiteError

VERDICTS = ("supported", "partly", "refuted", "inconclusive")
COSTS = ("seconds", "forward_passes", "rows", "tokens")
TESTED = {"id", "text", "predicted", "measured", "controls", "doses", "p", "p_holm", "verdict", "knock_on"}
NOTHING = 0.05  # of the lead: a change that is not told apart from chance and smaller than this is none


def suite_results(folder: Path) -> dict[str, Any]:
    """The whole report as plain values; raises SuiteError when the folder holds no suite's results."""
    head = read_head(folder)
    suite = Suite.model_validate(head["suite"])
    cards = [_card(case, folder) for case in suite.cases]
    tests = [test for card in cards for test in card["tests"]]
    ps = [test["p"] for test in tests]
    for test, p, q in zip(tests, adjust_holm(ps), adjust_benjamini_hochberg(ps), strict=True):
        test["p_suite"], test["q_suite"] = p, q
    mains = [card["tests"][0] for card in cards if card["tests"]]
    for test, p in zip(mains, adjust_holm([test["p"] for test in mains]), strict=True):
        test["p_main"] = p
    done = [card for card in cards if card["done"]]
    return {
        "title": suite.title,
        "settings": head["settings"],
        "cases": cards,
        "done": len(done),
        "failed": [card["id"] for card in cards if card["failed"]],
        "missing": [card["id"] for card in cards if not card["done"] and not card["failed"]],
        "tests_run": len(tests),
        "smallest_p": min((1 / (t["controls"]["n"] + 1) for t in tests), default=1.0),
        "main": {"of": len(mains), "held": sum(_holds(test) for test in mains)},
        "survive_suite_holm": sum(t["p_suite"] <= LEVEL for t in tests),
        "verdicts": {name: sum(t["verdict"] == name for t in tests) for name in VERDICTS},
        "hypotheses": Counter(c["hypothesis"]["verdict"] for c in cards if c["hypothesis"]),
        "agreement": measure_agreement(tests),
        "knock_on": measure_knock_on(tests),
        "strongest": _strongest(done),
        "premises": sum(card["premise"] == "false" for card in done),
        "brains": _compare_planners(done),
        "cost": {name: sum(c["cost"].get(name, 0) for c in done) for name in COSTS},
        "disagreements": [f"{c['id']}: {what}" for c in cards for what in c["disagreements"]],
    }


def _holds(main: dict[str, Any]) -> bool:
    """Whether a case's main hypothesis, the first registered, stands after Holm over those of all cases."""
    return bool(main["p_main"] <= LEVEL and main["verdict"] in HOLDING_VERDICTS)


def read_head(folder: Path) -> dict[str, Any]:
    """suite.json of a results folder; raises SuiteError."""
    try:
        head = json.loads((folder / "suite.json").read_text(encoding="utf-8"))
        Suite.model_validate(head["suite"])
        if head["format"] != "askcircuit-suite" or head["version"] != 1:
            raise KeyError("format")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SuiteError(f"The folder {folder} holds no results of a suite (suite.json).") from exc
    return dict(head)


def _card(case: SuiteCase, folder: Path) -> dict[str, Any]:
    """What is shown of one case; raises SuiteError where its files are damaged."""
    card: dict[str, Any] = {
        **case.model_dump(include={"id", "text", "kind"}),
        "done": False,
        "failed": "",
        "hypothesis": None,
        **{name: [] for name in ("tests", "sentences", "disagreements")},
        **{name: {} for name in ("cost", "baselines")},
    }
    path = folder / "bundles" / f"{case.id}.json.gz"
    if not path.exists():
        failed = _json(folder / "failed" / f"{case.id}.json")
        return {**card, "failed": str(failed.get("why", "")) if failed else ""}
    bundle = read_bundle(path)
    report, tests = bundle.report, bundle.tests
    baselines = _json(folder / "baselines" / f"{case.id}.json") or {}
    return {
        **card,
        "done": True,
        "bundle": f"bundles/{path.name}",
        "bundle_id": bundle.id,
        **report.question.model_dump(include={"answer", "foil", "premise"}),
        "sentences": _sentences(bundle),
        "tests": [_test(claim, bundle) for claim in tests],
        "hypothesis": judge_hypothesis(case, tests, bundle.kept.case["value"], report.plain())
        if case.group
        else None,
        "graph": {name: report.graph.get(name) for name in ("completeness", "replacement", "unexplored")},
        "cost": report.cost,
        "brain": bundle.settings.get("brain"),
        "baselines": baselines,
        "disagreements": [*bundle.replay(), *_baselines_again(baselines)],
    }


def _sentences(bundle: Bundle) -> list[dict[str, Any]]:
    verdicts = {claim.id: claim.verdict for claim in bundle.kept.claims}
    return [
        {"text": s.text, "claims": [{"id": c, "verdict": verdicts.get(c, "")} for c in s.claims]}
        for s in bundle.report.answer.sentences
    ]


def _test(claim: TestedClaim, bundle: Bundle) -> dict[str, Any]:
    groups = {g.id: g.name for g in bundle.report.supernodes}
    test = {"controls": None, "doses": None, "knock_on": [], **claim.model_dump(mode="json", include=TESTED)}
    return {**test, "supernode": claim.name, "name": groups.get(claim.name or "", "")}


def judge_hypothesis(
    case: SuiteCase, done: Sequence[TestedClaim], lead: float, report: dict[str, Any]
) -> dict[str, Any]:
    """What the data say of a hypothesis: supported, refuted or inconclusive, with the claim it rests on."""
    from agent.suites.runner import find_group_meant

    wanted = find_group_meant(case, report)
    effects = [claim for claim in done if isinstance(claim, EffectClaim)]
    tests = [claim for claim in effects if wanted and claim.name == wanted and claim.removes]
    said = {"text": case.hypothesis, "group": case.group, "expect": case.expect}
    if not tests:
        why = f"no group of the picture is called or sits at {case.group!r}"
        return {**said, "verdict": "inconclusive", "why": why, "claim": None, "supernode": wanted}
    claim = tests[-1]
    verdict, why = matches_expectation(case.expect or "nothing", claim, lead)
    return {**said, "verdict": verdict, "why": why, "claim": claim.id, "supernode": wanted}


def matches_expectation(expect: str, claim: ControlledClaim, lead: float) -> tuple[str, str]:
    """Whether a measured removal is what was expected of it."""
    measured, p = claim.effect, claim.p_holm or 0.0
    found = p <= LEVEL + 1e-9 and abs(measured) >= MIN_EFFECT
    shown = f"removing it changes the lead by {show_change(measured)} (p after Holm {p:.3g})"
    if expect == "nothing":
        if found:
            return "refuted", f"{shown}, beyond every chance group's effect" if p <= LEVEL else shown
        small = abs(measured) <= max(MIN_EFFECT, NOTHING * abs(lead))
        return ("supported", f"{shown}: none to speak of") if small else ("inconclusive", shown)
    if found:
        right = (measured < 0) == (expect == "lowers")
        return ("supported" if right else "refuted"), shown
    controls = claim.controls.max_abs if claim.controls else 0.0
    quiet = abs(measured) <= max(MIN_EFFECT, controls) and abs(measured) <= NOTHING * abs(lead)
    return ("refuted", f"{shown}: none to speak of") if quiet else ("inconclusive", f"{shown}: within chance")


def adjust_benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjustment: the false discovery rate at which each test is found."""
    order = sorted(range(len(ps)), key=lambda i: -ps[i])
    out, least = [0.0] * len(ps), 1.0
    for rank, i in zip(range(len(ps), 0, -1), order, strict=True):
        least = min(least, ps[i] * len(ps) / rank)
        out[i] = least
    return out


def measure_agreement(tests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Predicted against measured effects on the answer: Spearman, slope (least squares) and sign."""
    return _fit([(t["predicted"], t["measured"]) for t in tests])


def measure_knock_on(tests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same for the effects of groups on each other."""
    return _fit([(k["predicted"], k["measured"]) for t in tests for k in t["knock_on"]])


def _fit(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    n, spread = len(pairs), [len({pair[i] for pair in pairs}) > 1 for i in (0, 1)]
    out: dict[str, Any] = {"n": n, "spearman": None, "slope": None, "sign": None}
    if n:
        out["sign"] = sum((p > 0) == (m > 0) for p, m in pairs) / n
    if n > 2 and all(spread):
        predicted, measured = zip(*pairs, strict=True)
        out["spearman"] = statistics.correlation(rank_values(predicted), rank_values(measured))
        out["slope"] = statistics.linear_regression(predicted, measured).slope
    return out


def rank_values(values: Sequence[float]) -> list[float]:
    """Ranks from 1, equal values sharing the mean of theirs: Spearman's rho is their correlation."""
    ordered = sorted(values)
    first = {value: i for i, value in reversed(list(enumerate(ordered)))}
    count = Counter(ordered)
    return [first[value] + (count[value] + 1) / 2 for value in values]


def _strongest(done: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Cases (but for failures of the model) whose strongest tested group beats every control."""
    cards = [card for card in done if card["kind"] != "failure"]
    best = [max(c["tests"], key=lambda t: abs(t["measured"])) for c in cards if c["tests"]]
    return {"of": len(cards), "beat": sum(abs(t["measured"]) > t["controls"]["max_abs"] for t in best)}


def _compare_planners(done: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each planner claimed, and how much of it stands when tested."""
    own = [t for card in done for t in card["tests"]]
    held = sum(t["verdict"] in HOLDING_VERDICTS for t in own)
    main = next((str(card["brain"]) for card in done), "rules")
    out = [{"brain": main, "claimed": held, "stand": held, "tested": len(own)}]
    for name in sorted({name for card in done for name in card["baselines"]}):
        claims = [c for card in done for c in card["baselines"].get(name, [])]
        stand = sum(c["verdict"] in HOLDING_VERDICTS for c in claims)
        out.append({"brain": name, "claimed": len(claims), "stand": stand, "tested": 0})
    return out


def _baselines_again(baselines: dict[str, Any]) -> Iterable[str]:
    """Where a baseline's p-values do not follow from its controls."""
    for name, claims in baselines.items():
        for claim in claims:
            p = p_value(claim["measured"], claim["controls"]["values"])
            if not math.isclose(p, claim["p"], abs_tol=1e-6):
                yield f"{name} {claim['id']}: p is {claim['p']:g}, and the controls give {p:g}"


def _json(path: Path) -> Any:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise SuiteError(f"The file {path} is damaged: delete it and run the suite with --resume.") from exc


def replay_bundles(path: Path) -> list[str]:
    """What does not agree in a bundle, or in any bundle of a results folder; raises AgentError."""
    if not path.is_dir():
        return read_bundle(path).replay()
    report = suite_results(path)
    if not report["done"]:
        raise AgentError(f"The folder {path} holds no bundle yet.")
    return list(report["disagreements"])
