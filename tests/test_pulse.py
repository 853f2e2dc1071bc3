"""Long work ends within a piece of it when whoever waits says so, and nothing of it stays behind."""

import pytest
import torch

from tracer import Intervention, Study, TracedStudy, listening


class Enough(Exception):
    """Said by a listener that has heard enough."""


class Counter:
    """Counts pulses; ends the work at the `most`th."""

    def __init__(self, most=10**9):
        self.heard, self.most = 0, most

    def __call__(self):
        self.heard += 1
        if self.heard >= self.most:
            raise Enough


def hooks_of(model):
    return [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.modules()]


def long_work(subject):
    study = Study(subject, "The keys to the cabinet", 64)
    first, second = (found.token_id for found in study.predictions(2))
    contrast = study.contrast(first, second)
    traced = TracedStudy(contrast, 60, lambda _done: None)
    features = [feature.id for feature in traced.features()[:4]]
    contrast.forecast([features], Intervention("ablate"))
    return contrast.test(features, Intervention("ablate"), controls=9, seed=1)


@pytest.mark.slow
def test_every_part_of_the_work_gives_pulses_and_can_be_ended(embedded_subject):
    model = embedded_subject.model
    before = {name: weights.clone() for name, weights in model.named_parameters() if "layers.3" in name}
    counter = Counter()
    with listening(counter):
        whole = long_work(embedded_subject)
    hooks = hooks_of(model)  # transformers keeps one of its own on each attention after its first run
    assert counter.heard > 100
    for most in range(1, counter.heard, counter.heard // 9):
        with pytest.raises(Enough), listening(Counter(most)):
            long_work(embedded_subject)
    assert hooks_of(model) == hooks
    assert all(torch.equal(weights, dict(model.named_parameters())[name]) for name, weights in before.items())
    assert long_work(embedded_subject) == whole
