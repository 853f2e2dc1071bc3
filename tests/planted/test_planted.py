"""Where the truth is known: what the agent calls a cause is one, all causes are found, no decoy ever is.

The agent is asked as a user would ask it, with nothing but a model folder; its claims are scored against how
the model was wired, or against removing every place of a trained one by hooks of our own.
"""

import pytest
import torch

from agent import Session, collect_report, open_workspace, read_settings
from agent.features.label_store import Library
from agent.workspace.workspace import Workspace
from tests.planted import circuits, trained
from tests.tolerance import LOGITS, near

CAUSE = ("supported", "partly")
WIRED = {
    "lookup, gpt2": lambda folder: circuits.lookup(folder, "gpt2"),
    "lookup, llama": lambda folder: circuits.lookup(folder, "llama"),
    "two hops, gpt2": lambda folder: circuits.two_hop(folder, "gpt2"),
    "two hops, llama": lambda folder: circuits.two_hop(folder, "llama"),
    "two hops of single neurons": lambda folder: circuits.two_hop(folder, "llama", count=1),
    "induction": lambda folder: circuits.induction(folder),
    "either, by attention": lambda folder: circuits.either(folder, "gpt2", "attention"),
    "either, by attention, llama": lambda folder: circuits.either(folder, "llama", "attention"),
    "any of three, gpt2": lambda folder: circuits.any_of_three(folder, "gpt2"),
    "any of three, llama": lambda folder: circuits.any_of_three(folder, "llama"),
    "either, by saturation": lambda folder: circuits.either(folder, "gpt2", "ramp"),
    "either, by saturation, llama": lambda folder: circuits.either(folder, "llama", "ramp"),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("library")) as library:
        yield library


@pytest.fixture(scope="module")
def ask(library, tmp_path_factory):
    """Ask why of a model folder; the workspace of each is gone afterwards."""
    from tracer import load

    def asked(folder, text, **more):
        data = tmp_path_factory.mktemp("data")
        workspace = Workspace(read_settings(data_dir=data), load(str(folder), cache=data), library)
        session = Session(workspace, "planted")
        report = collect_report(session.ask("", text=text, **more))
        assert session.bundle().replay() == []
        workspace.stop_fitting()  # the tests' own hooks are seen by every thread
        if workspace._conversations is not None:
            workspace._conversations.close()
        return report, workspace.subject

    return asked


def units_of(report, claim):
    group = next(g for g in report["supernodes"] if g["id"] == "+".join(claim["groups"]))
    return {(m["layer"], m["position"], m["feature"]) for m in group["members"]}


def units_in(step):
    layer, position, neurons = step
    return {(layer, position, neuron) for neuron in neurons}


def causes_claimed(report):
    """Units of groups that are called causes: alone, and only together with others."""
    held = [c for c in report["claims"] if c["kind"] == "effect" and c["verdict"] in CAUSE]
    alone = [units_of(report, c) for c in held if len(c["groups"]) == 1]
    both = [units_of(report, c) for c in held if len(c["groups"]) > 1]
    return alone, both


def without(subject, text, units):
    """Next-token logits with these units set to 0, by hooks on the model itself."""
    blocks = subject.blocks
    llama = hasattr(blocks[0], "self_attn")
    handles = []
    for layer, block in enumerate(blocks):

        def remove(_module, args, layer=layer):
            acts = args[0].clone()
            for at, position, neuron in units:
                if at == layer:
                    acts[0, position, neuron] = 0.0
            return (acts,)

        down = block.mlp.down_proj if llama else block.mlp.c_proj
        handles.append(down.register_forward_pre_hook(remove))
    with torch.no_grad():
        logits = subject.model(subject.tokenizer(text, return_tensors="pt").input_ids).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits


def drop(subject, report, units):
    """How far removing these units changes logit(answer) - logit(foil)."""
    answer, foil = (subject.pieces(report["question"][name])[0] for name in ("answer", "foil"))
    clean, changed = (without(subject, report["text"], some) for some in ((), units))
    return float((changed[answer] - changed[foil]) - (clean[answer] - clean[foil]))


def by_chance(subject, report, place):
    """What 95 % of 99 random directions change at most, each as long as what the MLP writes at this place."""
    layer, position = place
    mlp, random = subject.blocks[layer].mlp, torch.Generator().manual_seed(0)
    answer, foil = (subject.pieces(report["question"][name])[0] for name in ("answer", "foil"))
    ids = subject.tokenizer(report["text"], return_tensors="pt").input_ids

    def lead(add):
        def write(_module, _args, out):
            out = out.clone()
            out[0, position] += add * out[0, position].norm()
            return out

        handle = mlp.register_forward_hook(write)
        with torch.no_grad():
            logits = subject.model(ids).logits[0, -1]
        handle.remove()
        return float(logits[answer] - logits[foil])

    ways = torch.nn.functional.normalize(torch.randn(99, subject.model.config.hidden_size, generator=random))
    return sorted(abs(lead(way) - lead(0.0)) for way in ways)[94]


@pytest.mark.parametrize("name", WIRED)
def test_what_is_called_a_cause_is_one_and_every_cause_is_found(name, ask, tmp_path):
    planted = WIRED[name](tmp_path / "model")
    report, subject = ask(planted.folder, planted.text, said=planted.answer, foil=planted.foil)
    assert report["question"]["premise"] == "true"
    # the truth is true: checked on the model itself
    for step in planted.causes.values():
        assert abs(drop(subject, report, units_in(step))) > 1
    for step in [*planted.decoys.values(), *(s for steps in planted.together.values() for s in steps)]:
        assert abs(drop(subject, report, units_in(step))) < 0.03
    alone, both = causes_claimed(report)
    true_alone = set().union(*map(units_in, planted.causes.values()))
    true_both = [set().union(*map(units_in, steps)) for steps in planted.together.values()]
    assert set().union(*alone) <= true_alone  # precision 100 %, no decoy
    assert all(any(units <= truth for truth in true_both) for units in both)
    found = len(set().union(*alone) & true_alone) + sum(truth in both for truth in true_both)
    assert found >= 0.95 * (len(true_alone) + len(true_both))
    if true_both:
        assert "can stand in for each other" in report["answer"]["markdown"]


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    return trained.keyed(tmp_path_factory.mktemp("keyed"))


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    return trained.paired(tmp_path_factory.mktemp("paired"))


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return trained.clock(tmp_path_factory.mktemp("clock"))


@pytest.mark.parametrize(
    ("name", "text", "said", "noise"),
    [
        # attention carries what a key says: as much as these neurons do, chance does too
        ("keyed", "noise7 key2 noise7 get", "value7", {0, 2}),
        pytest.param("keyed", "noise3 key5 noise1 get", "value0", {0, 2}, marks=pytest.mark.slow),
        ("paired", "noise0 key4 noise0 key4 get", "value3", {0, 2}),
    ],
)
def test_claims_on_trained_models_are_what_removing_every_place_shows(name, text, said, noise, ask, request):
    causes_beyond_chance(ask, request.getfixturevalue(name), text, said, noise)


def test_what_only_neurons_can_do_is_found_in_them(ask, clock):
    """One layer adds two hours: some text shows neurons that do more than chance, whatever trained it."""
    sums = [(3, 6), (1, 2), (5, 5), (0, 4), (2, 6), (6, 6), (4, 1), (3, 3)]
    texts = ((f"hour n{a} plus n{b} is", f"n{(a + b) % 7}") for a, b in sums)
    assert any(causes_beyond_chance(ask, clock, text, said, {0, 1, 2, 3}) for text, said in texts)


def causes_beyond_chance(ask, model, text, said, noise):
    """Places whose neurons do more than chance: all of them are claimed, and no place that is passed over."""
    report, subject = ask(model, text, said=said)
    assert report["question"]["premise"] == "true"
    places = [
        (layer, position) for layer in range(subject.layers) for position in range(len(report["tokens"]))
    ]
    every = range(subject.neurons)
    removed = {place: drop(subject, report, units_in((*place, frozenset(every)))) for place in places}
    most = max(map(abs, removed.values()))
    claimed = {}  # place -> units of groups called causes
    for claim in report["claims"]:
        if claim["kind"] == "effect" and claim["verdict"] in CAUSE:
            units = units_of(report, claim)
            assert claim["measured"] == near(drop(subject, report, units), size=LOGITS)
            for layer, position, _ in units:
                claimed.setdefault((layer, position), set()).update(units)
    # how well it learnt to pass over noise hangs on the processor that trained it: what it passes over counts
    noise = noise - {place[1] for place in places if abs(removed[place]) >= 0.1 * most}
    assert noise
    assert not [place for place in claimed if place[1] in noise]  # precision
    great = {place for place in places if abs(removed[place]) > 0.3 * most}
    beyond = {place for place in great if abs(removed[place]) > 2 * by_chance(subject, report, place)}
    assert beyond <= claimed.keys()  # recall
    return beyond


def test_a_model_too_small_for_controls_ends_in_no_verdict_of_chance(ask, tmp_path):
    """Two neurons a layer, both in use: 99 different matched sets do not exist, and nothing pretends so."""
    planted = circuits.narrow(tmp_path / "model")
    report, _ = ask(planted.folder, planted.text, said=planted.answer)
    tests = [c for c in report["claims"] if c["kind"] == "effect" and c["p"] is not None]
    assert tests
    for claim in tests:
        assert claim["controls"]["n"] < 99
        assert claim["p"] >= 1 / (claim["controls"]["n"] + 1)
        assert claim["verdict"] not in CAUSE or claim["controls"]["n"] >= 19


def test_a_folder_is_a_model_for_the_command_line(tmp_path):
    planted = circuits.lookup(tmp_path / "model", "gpt2")
    workspace = open_workspace(read_settings(model=str(planted.folder), data_dir=tmp_path / "data"))
    report = collect_report(Session(workspace, "folder").ask("", text=planted.text, said=planted.answer))
    workspace.close()
    assert report["model"] == "model"
    assert causes_claimed(report)[0]
