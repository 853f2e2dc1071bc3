"""The largest of many numbers: what `topk` gives, and of equal numbers the first."""

import pytest
import torch

from tracer.attribution.ranking import largest, smallest


@pytest.mark.parametrize("count", [0, 1, 3, 40, 100, 500])
def test_without_equals_it_is_topk(count):
    values = torch.randperm(100, generator=torch.Generator().manual_seed(1)).double()
    assert largest(values, count).tolist() == values.topk(min(count, 100)).indices.tolist()
    assert smallest(values, count).tolist() == values.topk(min(count, 100), largest=False).indices.tolist()


def test_of_equal_numbers_the_first_come_first():
    values = torch.tensor([0.0, 2.0, 1.0, 2.0, 1.0, 1.0, 0.0])
    assert largest(values, 4).tolist() == [1, 3, 2, 4]
    assert smallest(values, 3).tolist() == [0, 6, 2]
    many = torch.zeros(100_000)
    assert largest(many, 5).tolist() == [0, 1, 2, 3, 4]
