"""The tracer's rows, predictions and interventions are exact on tiny random models of every family."""

import pytest
import torch
from frozen_reference import FrozenRun, own_precision, reference_rows
from tests_support import FAMILIES, freeze_words, tiny_subject
from tolerance import SHARPENED, assert_close, size_of

from tracer.attribution.backward_sweep import direct_rows, total_effects
from tracer.attribution.neurons import Units, activations, neuron_sources, units_of
from tracer.attribution.targets import logit_difference, neuron_targets
from tracer.interventions.intervene import (
    Change,
    full_logits,
    measure,
    measure_frozen,
    predict_exact,
    predict_frozen,
    scale,
)
from tracer.models.families import part

SOME = 12
ANSWER, FOIL = 3, 50


@pytest.fixture(params=FAMILIES, scope="module")
def frozen(request, tiny):
    subject = tiny_subject(tiny, request.param)
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


@pytest.fixture(scope="module")
def short(frozen):
    """A shorter text, where the matrix of all neurons is inverted."""
    return freeze_words(frozen.subject, 4)


def all_units(frozen):
    layers, length, neurons = len(frozen.layers), frozen.length, frozen.layers[0].acts.shape[1]
    return units_of(torch.arange(layers * length * neurons), length, neurons)


def some_units(frozen, count=SOME, seed=5):
    every = all_units(frozen)
    pick = torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))[:count]
    return every.pick(pick.sort().values)


def parts_of(frozen):
    family, blocks = frozen.subject.family, frozen.subject.blocks
    return [part(b, family.down) for b in blocks], [part(b, family.mlp) for b in blocks]


def test_rows_equal_autograd_on_the_frozen_model(frozen):
    units = some_units(frozen)
    sources = neuron_sources(frozen, all_units(frozen))
    rows = torch.cat(
        [
            direct_rows(frozen, neuron_targets(frozen, *units), sources),
            direct_rows(frozen, logit_difference(frozen, ANSWER, FOIL), sources),
        ]
    )
    wanted = []
    for layer, position, neuron in zip(*(x.tolist() for x in units), strict=True):
        block = frozen.layers[layer]
        gate, up = block.half_rule()
        direction = up[position, neuron] * block.weights.up[neuron]
        if gate is not None:
            direction = direction + gate[position, neuron] * block.weights.gate[neuron]
        wanted.append((layer, position, direction))
    by_neuron, by_token = reference_rows(frozen, [*wanted, (ANSWER, FOIL)], *parts_of(frozen))
    neurons = rows[:, sources.unit_column]
    tokens = rows[:, sources.token_column : sources.token_column + frozen.length]
    assert_close(neurons, by_neuron.flatten(1), SHARPENED)
    assert_close(tokens, by_token, SHARPENED)


def test_a_row_adds_up_to_its_target(frozen):
    units = some_units(frozen)
    sources = neuron_sources(frozen, some_units(frozen, 40, seed=6))
    whole = torch.cat([sources.first.flatten(), torch.arange(sources.token_column, sources.columns)])
    for targets in (neuron_targets(frozen, *units), logit_difference(frozen, ANSWER, FOIL)):
        total = direct_rows(frozen, targets, sources)[:, whole].sum(1)
        assert_close(total, targets.value, SHARPENED)
    logits = full_logits(frozen, scale(frozen, units, 1.0))
    cap = getattr(frozen.subject.model.config, "final_logit_softcapping", None)
    logits = torch.atanh(logits / cap) * cap if cap else logits
    assert_close(targets.value[0], logits[ANSWER] - logits[FOIL], SHARPENED, size=size_of(logits))


def test_an_edge_equals_a_measured_frozen_intervention(frozen):
    every, targets = some_units(frozen, 40, seed=6), some_units(frozen, 40, seed=11)
    sources = neuron_sources(frozen, every)
    rows = direct_rows(frozen, neuron_targets(frozen, *targets), sources)
    root = direct_rows(frozen, logit_difference(frozen, ANSWER, FOIL), sources)[0]
    run = FrozenRun(frozen, writers_of(frozen), parts_of(frozen)[1])
    tokens = [(sources.token_column + p, (-1, p, frozen.embedded[p])) for p in range(frozen.length)]
    neurons = [
        (int(column), (layer, position, frozen.layers[layer].writes(position, torch.tensor([neuron]))[0]))
        for column, layer, position, neuron in zip(
            sources.unit_column, *(x.tolist() for x in every), strict=True
        )
    ]
    wholes = [
        (int(sources.first[layer, p]), (layer, p, frozen.layers[layer].written[p]))
        for layer in range(len(frozen.layers))
        for p in range(frozen.length)
    ]
    for column, added in [*tokens, *neurons[::4], *wholes[::5]]:
        inputs, logits = run.shift(*added)
        moved = torch.stack(
            [read(frozen, inputs, *unit) for unit in zip(*(x.tolist() for x in targets), strict=True)]
        )
        assert_close(rows[:, column], moved, SHARPENED, size=size_of(rows))
        assert_close(root[column], logits[ANSWER] - logits[FOIL], SHARPENED, size=size_of(root))


def writers_of(frozen):
    """The modules whose output is what an MLP adds to the stream."""
    family = frozen.subject.family
    return [part(block, family.post_mlp or family.mlp) for block in frozen.subject.blocks]


def read(frozen, inputs, layer, position, neuron):
    """What one neuron's half-rule target sees of a change of the MLPs' inputs."""
    block = frozen.layers[layer]
    gate, up = block.half_rule()
    direction = up[position, neuron] * block.weights.up[neuron]
    if gate is not None:
        direction = direction + gate[position, neuron] * block.weights.gate[neuron]
    return inputs[layer, position] @ direction


def test_total_effects_equal_the_series_over_all_paths(short):
    every = all_units(short)
    sources = neuron_sources(short, every)
    rows = direct_rows(short, neuron_targets(short, *every), sources)[:, sources.unit_column]
    root = direct_rows(short, logit_difference(short, ANSWER, FOIL), sources)[0, sources.unit_column]
    acts = activations(short, every)
    slope = rows / acts  # J: how a source's activation moves a target's
    total = torch.linalg.solve(torch.eye(len(every), dtype=acts.dtype) - slope.T, root / acts) * acts
    effects, _ = total_effects(short, logit_difference(short, ANSWER, FOIL))
    assert_close(effects.flatten(), total, SHARPENED)


def test_a_frozen_prediction_sums_the_paths_that_avoid_clamped_members(short):
    every, group = all_units(short), some_units(short, 8, seed=7)
    target = logit_difference(short, ANSWER, FOIL)
    sources = neuron_sources(short, every)
    rows = direct_rows(short, neuron_targets(short, *every), sources)[:, sources.unit_column]
    root = direct_rows(short, target, sources)[0, sources.unit_column]
    acts = activations(short, every)
    neurons, length = short.layers[0].acts.shape[1], short.length
    members = (group.layer * length + group.position) * neurons + group.neuron
    slope = rows / acts
    slope[members] = 0.0  # a clamped unit answers to nothing
    moved = torch.zeros_like(acts)
    moved[members] = -acts[members]
    spread = torch.linalg.solve(torch.eye(len(every), dtype=acts.dtype) - slope, moved)
    predicted = predict_frozen(short, [scale(short, group, 0.0)], target.direction[0])
    assert_close(predicted.logits[0, 0], root / acts @ spread, SHARPENED)


def hooked_logits(frozen, change):
    """The plainest intervention there is: the whole model again, with values written into its activations."""
    downs, _ = parts_of(frozen)

    def write(index):
        def hook(_module, args):
            acts = args[0].clone()
            at = change.units.layer == index
            acts[0, change.units.position[at], change.units.neuron[at]] = change.values[at]
            return (acts,)

        return hook

    handles = [down.register_forward_pre_hook(write(i)) for i, down in enumerate(downs)]
    logits = frozen.subject.model(frozen.ids[None], use_cache=False).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits


@pytest.mark.parametrize("first", [0, 5], ids=["anywhere", "late positions"])
def test_a_batched_partial_rerun_equals_the_whole_model_run_again(frozen, first):
    every = all_units(frozen)
    every = every.pick((every.position >= first) & (every.layer >= 1))
    groups = [every.pick(torch.arange(start, len(every), 97)) for start in range(5)]
    changes = [scale(frozen, group, factor) for group in groups for factor in (0.0, 2.0)]
    effect = measure(frozen, changes, [ANSWER, FOIL], groups)
    for row, change in enumerate(changes):
        logits = hooked_logits(frozen, change)
        assert_close(effect.logits[row], logits[[ANSWER, FOIL]], SHARPENED, size=size_of(logits))
        assert_close(full_logits(frozen, change), logits, SHARPENED)
    ablated = effect.readouts[0::2].diagonal()  # an ablated group's own activation is gone
    assert_close(ablated, torch.zeros_like(ablated), SHARPENED, size=size_of(effect.readouts))


def test_the_exact_prediction_is_the_derivative_of_the_model(frozen):
    group = some_units(frozen, 300, seed=8)
    acts, step = activations(frozen, group), 0.01
    reads = [some_units(frozen, 5, seed=9)]
    changes = [Change(group, acts * (1 + sign * step)) for sign in (-1, 1)]
    ends = measure(frozen, changes, [ANSWER, FOIL], reads)
    there = ends.logits[:, 0] - ends.logits[:, 1]
    predicted = predict_exact(frozen, [scale(frozen, group, 2.0)], (ANSWER, FOIL), reads)
    assert float(predicted.logits[0, 0]) == pytest.approx(
        float(there[1] - there[0]) / (2 * step), rel=5e-3, abs=1e-5
    )
    slope = (ends.readouts[1, 0] - ends.readouts[0, 0]) / (2 * step)
    assert float(predicted.readouts[0, 0]) == pytest.approx(float(slope), rel=5e-3, abs=1e-5)


def test_an_unchanged_text_is_unchanged_with_everything_frozen(frozen):
    group = some_units(frozen)
    target = logit_difference(frozen, ANSWER, FOIL)
    same = Change(group, activations(frozen, group))
    moved = measure_frozen(frozen, [same], target.direction[0]).logits
    assert_close(moved, torch.zeros_like(moved), SHARPENED, size=size_of(frozen.logits))
    effect = measure(frozen, [same], [ANSWER, FOIL])
    clean = frozen.logits[[ANSWER, FOIL]]
    assert_close(effect.logits[0], clean, SHARPENED, size=size_of(frozen.logits))


def test_interventions_leave_no_hook_and_no_weight_changed(frozen):
    model = frozen.subject.model
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    hooks = [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.modules()]
    group = some_units(frozen)
    target = logit_difference(frozen, ANSWER, FOIL)
    change = scale(frozen, group, 0.0)
    measure(frozen, [change], [ANSWER])
    predict_exact(frozen, [change], (ANSWER, FOIL))
    predict_frozen(frozen, [change], target.direction[0])
    measure_frozen(frozen, [change], target.direction[0])
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name]), name
    assert hooks == [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.modules()]


def test_an_unknown_architecture_is_named_with_the_supported_ones():
    from tracer import UnsupportedFamily
    from tracer.models.families import family_of

    with pytest.raises(UnsupportedFamily, match=r"'mamba'.*Gemma 3.*GPT-2"):
        family_of("mamba")


def test_units_keep_their_order():
    units = units_of(torch.tensor([7, 3, 5]), positions=2, neurons=2)
    assert isinstance(units, Units)
    assert list(zip(*(x.tolist() for x in units), strict=True)) == [(0, 1, 1), (1, 0, 1), (1, 1, 1)]
