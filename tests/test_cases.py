"""The real cases on the real model: every graph adds up, is complete enough, and predicts well."""

from functools import cache
from pathlib import Path

import pytest
import yaml
from scipy import stats
from tolerance import SUM, tolerance, written

from tracer import Intervention, Study, TracedStudy
from tracer.attribution.graph import Kind

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))


KINDS = ("recall", "failure", "relation", "code")  # whose texts the quick tests trace, one of each
FEW = list({case["kind"]: case for case in CASES if case["kind"] in KINDS}.values())
REST = [pytest.param(case, marks=pytest.mark.slow) for case in CASES if case not in FEW]


@pytest.fixture(scope="module")
def traced(embedded_subject):
    """Case -> its graph, traced when it is first wanted."""

    @cache
    def trace(name):
        case = next(case for case in CASES if case["id"] == name)
        study = Study(embedded_subject, case["text"], limit=512)
        answer, foil = (study.token(case[name]).token_id for name in ("said", "foil"))
        return TracedStudy(study.contrast(answer, foil), nodes=1000)

    return trace


@pytest.fixture(params=[*FEW, *REST], ids=lambda case: case["id"])
def case(request):
    return request.param


def test_the_model_says_what_the_case_says(case, traced):
    study = traced(case["id"]).study
    top = study.predictions(1)[0]
    assert (top.token, written(case["p"], 2)) == (case["said"], top.p)


def test_every_row_adds_up_to_its_target(case, traced):
    graph = traced(case["id"]).graph
    total, value = graph.edges.double().sum(1), graph.value.double()
    size = graph.edges.double().abs().sum(1)  # of what is summed: a row may add up to nearly nothing
    assert float(((total - value).abs() / size).max()) <= tolerance(1, SUM)
    assert graph.residual() < tolerance(1)
    assert bool(graph.is_kind(Kind.BOS).any())


def test_a_thousand_neurons_reach_completeness(case, traced):
    one = traced(case["id"])
    assert one.graph.features == 1000
    assert one.scores.completeness >= 0.75


@pytest.mark.parametrize("cases", [FEW, pytest.param(CASES, marks=pytest.mark.slow)], ids=["some", "all"])
def test_predictions_rank_what_removing_groups_does(cases, traced):
    predicted, measured = [], []
    for one in (traced(case["id"]) for case in cases):
        strongest = sorted(one.features(), key=lambda f: -abs(f.effect))[:60]
        cells: dict[tuple[int, int, bool], list[str]] = {}
        for f in strongest:
            cells.setdefault((f.position, f.layer // 6, f.effect > 0), []).append(f.id)
        groups = [members for members in cells.values() if len(members) >= 4][:3]
        forecasts = one.contrast.forecast(groups, Intervention("ablate"))
        predicted += [f.mean for f in forecasts]
        for group in groups:
            outcome = one.contrast.test(group, Intervention("ablate"), controls=2, seed=1)
            measured.append(outcome.measured)
    assert len(measured) >= 2 * len(cases)
    assert stats.spearmanr(predicted, measured).statistic >= 0.93
