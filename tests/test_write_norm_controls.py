"""Controls that move the residual stream as far as a group does, at the places where the group does."""

import pytest
import torch
from tests_support import FAMILIES, freeze_words, tiny_subject

from tracer.attribution.logit_lens import write_rows
from tracer.attribution.neurons import Units
from tracer.interventions.intervene import Change
from tracer.interventions.write_norm_controls import norm_matched_controls
from tracer.study.basis import Neurons


def write_norms(basis, change):
    """Length of what a change writes, by (layer, position)."""
    units = change.units
    moved = write_rows(basis.frozen, units) * (change.values - basis.activations(units))[:, None]
    out = {}
    for layer, position in set(zip(units.layer.tolist(), units.position.tolist(), strict=True)):
        here = (units.layer == layer) & (units.position == position)
        out[layer, position] = float(moved[here].sum(0).norm())
    return out


@pytest.fixture(params=FAMILIES[:3])
def basis(request, tiny):
    return Neurons(freeze_words(tiny_subject(tiny, request.param)))


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.5])
def test_a_control_writes_as_far_as_the_group_at_every_place(basis, factor):
    units = Units(torch.tensor([1, 1, 2]), torch.tensor([2, 2, 4]), torch.tensor([3, 5, 7]))
    change = basis.scaled(units, factor)
    drawn = basis.norm_controls(change, 20, seed=3)
    wanted = write_norms(basis, change)
    assert len(drawn.changes) == 20
    assert drawn.matched == 3
    for one in drawn.changes:
        got = write_norms(basis, one)
        assert got.keys() == wanted.keys()
        # a few products of numbers of this size, summed: some hundred roundings
        room = 500 * torch.finfo(one.values.dtype).eps * max(wanted.values())
        assert all(abs(got[place] - wanted[place]) <= room for place in wanted)


def test_no_control_holds_a_member_of_the_group_and_no_two_are_alike(basis):
    units = Units(torch.tensor([1, 1]), torch.tensor([2, 2]), torch.tensor([3, 5]))
    drawn = basis.norm_controls(basis.scaled(units, 0.0), 30, seed=1)
    sets = [tuple(sorted(change.units.neuron.tolist())) for change in drawn.changes]
    assert len(set(sets)) == len(sets) == 30
    assert not {3, 5} & {neuron for one in sets for neuron in one}


def test_the_same_seed_draws_the_same_controls(basis):
    units = Units(torch.tensor([1]), torch.tensor([2]), torch.tensor([3]))
    change = basis.scaled(units, 0.0)
    first, second = (basis.norm_controls(change, 5, seed=9).changes for _ in range(2))
    assert [c.units.neuron.tolist() for c in first] == [c.units.neuron.tolist() for c in second]
    assert all(torch.equal(a.values, b.values) for a, b in zip(first, second, strict=True))


def test_a_place_without_others_has_no_control(tiny):
    basis = Neurons(freeze_words(tiny_subject(tiny, FAMILIES[0])))
    neurons = basis.frozen.layers[1].acts.shape[1]
    units = Units(*(torch.full((neurons,), n) for n in (1, 2)), torch.arange(neurons))
    drawn = basis.norm_controls(Change(units, torch.zeros(neurons).to(basis.activations(units))), 5, seed=0)
    assert drawn.changes == ()
    assert drawn.matched == 0


def test_sets_that_write_alike_are_one_control():
    """Twenty others with two jobs between them: what they write lies between two directions, 60° apart."""
    jobs = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.75**0.5, 0.0]]))
    others = torch.arange(1, 21)
    change = Change(Units(*(torch.tensor([n]) for n in (0, 0, 0))), torch.zeros(1))

    def rows(units):
        own = torch.tensor([0.0, 0.0, 1.0])
        return torch.stack([own if n == 0 else jobs[n % 2] for n in units.neuron.tolist()])

    drawn = norm_matched_controls(
        change, torch.ones(1), rows, lambda _layer, _position: (others, torch.ones(20)), count=99, seed=0
    )
    assert len(drawn.changes) == 2
    assert sorted(change.units.neuron.item() % 2 for change in drawn.changes) == [0, 1]
