"""Features set to values do what an independent implementation by hooks and the graph's edges say."""

from dataclasses import replace

import pytest
import torch
from frozen_reference import hooked, own_precision, patched
from tests_support import FAMILIES, freeze_words, random_transcoders, tiny_subject
from tolerance import SHARPENED, assert_close, size_of

from tracer.attribution.backward_sweep import direct_rows
from tracer.attribution.targets import logit_difference
from tracer.errors import GraphError, TranscodersError
from tracer.interventions.feature_intervene import Setting, change_of, set_features
from tracer.interventions.generate import continue_text
from tracer.interventions.held_forward import FREE, Hold
from tracer.models.families import part
from tracer.transcoders.attribute import trace_transcoders
from tracer.transcoders.sources import feature_sources
from tracer.transcoders.transcoders import InMemoryTable, Reads, active_features, feature_targets

LENGTH, LAYERS = 7, 4
ANSWER, FOIL = 3, 50
KINDS = {
    "relu": {"kind": "relu"},
    "jumprelu and skip": {"kind": "jumprelu", "skip": True},
    "topk of the stream, skip": {"kind": "topk", "skip": True, "reads": Reads.STREAM},
    "cross-layer before the gain": {"kind": "jumprelu", "span": 9, "reads": Reads.NORMALIZED},
    "cross-layer and skip": {"kind": "relu", "span": 9, "skip": True},
}
HOLDS = {
    "attention": Hold(zero_positions=1),
    "nothing": Hold(attention=False, zero_positions=1),
    "two layers": Hold(layers=range(1, 3), zero_positions=1),
    "everything": Hold(layers=range(LAYERS), zero_positions=1),
}
SETTINGS = [
    [Setting(1, 3, 5, -2.0), Setting(2, slice(2, 6), 7, 1.5), Setting(3, -1, 2, 4.0)],
    [*(Setting(1, 0, feature, 2.0) for feature in range(12)), Setting(1, 4, 5, 0.0)],
    [Setting(2, 5, 3, 3.0), Setting(2, 5, 4, -1.0)],
]


@pytest.fixture(params=FAMILIES, scope="module")
def frozen(request, tiny):
    subject = tiny_subject(tiny, request.param)
    with own_precision(subject.model):
        yield freeze_words(subject, LENGTH)


@pytest.fixture(params=("gemma2 capped", "llama", "gpt2", "gpt_neox"), scope="module")
def some_frozen(request, tiny):
    subject = tiny_subject(tiny, request.param)
    with own_precision(subject.model):
        yield freeze_words(subject, LENGTH)


@pytest.fixture(scope="module")
def llama(tiny):
    subject = tiny_subject(tiny, "llama")
    with own_precision(subject.model):
        yield freeze_words(subject, LENGTH)


def changes_of(frozen, settings=SETTINGS):
    return [change_of(row, frozen.length, frozen.embedded) for row in settings]


def far(mine, theirs):
    return float((mine - theirs).abs().max() / theirs.abs().max())


class Hooked:
    """The same by hooks on Hugging Face's model: a pass on the text, then one with what it held put back."""

    def __init__(self, frozen, transcoders, hold):
        self.frozen, self.transcoders, self.hold = frozen, transcoders, hold
        self.model, self.family = frozen.subject.model, frozen.subject.family
        self.held, self.clean, self.settings = {}, {}, None
        self.clean_logits = self.run(None)[0]

    def run(self, settings):
        self.settings, self.added, self.read, self.acts = settings, {}, {}, {}
        handles = []
        for index, block in enumerate(self.frozen.subject.blocks):
            behind = None if self.transcoders.before_post_norm else self.family.post_mlp
            norm, writer = part(block, self.family.pre_mlp), part(block, behind or "mlp")
            handles.append(norm.register_forward_hook(self.reads(index)))
            handles.append(writer.register_forward_hook(self.writes(index)))
        with torch.no_grad(), hooked(handles), patched(self.model, "held", self.keep):
            logits = self.model(self.frozen.ids[None]).logits[0, -1]
        return logits, [self.acts[index] for index in range(LAYERS)]

    def keep(self, module, value):
        """Patterns stay unless attention is free; norm scales only when every layer is held."""
        layers = self.hold.layers
        is_norm = "Norm" in type(module).__name__
        stays = layers is not None and len(layers) == LAYERS if is_norm else self.hold.attention or layers
        return self.held.setdefault(module, value) if stays else value

    def reads(self, index):
        def read(module, args, out):
            gain = 1 + module.weight if self.family.unit_offset else module.weight
            bias = getattr(module, "bias", None)
            match self.transcoders.reads:
                case Reads.STREAM:
                    self.read[index] = args[0][0]
                case Reads.MLP:
                    self.read[index] = out[0]
                case Reads.NORMALIZED:
                    self.read[index] = ((out if bias is None else out - bias) / gain)[0]

        return read

    def writes(self, index):
        def write(_module, _args, out):
            x, transcoder, out = self.read[index], self.transcoders.layers[index], out[0]
            acts = transcoder.encode(x)
            acts[0] = 0
            self.acts[index] = acts.clone()
            clean = self.clean.setdefault(index, (x, out, acts))
            layers = self.hold.layers
            if layers is not None and index in layers:
                out = clean[1]
                if transcoder.skip is not None:
                    out = out + (x - clean[0]) @ transcoder.skip
            if layers is not None:
                acts = clean[2]
            for layer, position, feature, value in self.settings or []:
                if layer != index:
                    continue
                rows = transcoder.decoder.rows[feature].reshape(-1, x.shape[1])
                change = torch.zeros_like(acts[:, 0])
                change[position] = value - acts[position, feature]
                for step, row in enumerate(rows):
                    self.added[index + step] = self.added.get(index + step, 0) + change[:, None] * row
            if layers is None or index in layers:
                out = out + self.added.get(index, 0)
            return out[None]

        return write


@pytest.mark.parametrize("hold", HOLDS)
def test_what_the_model_says_equals_a_run_with_hooks(frozen, hold):
    place = FAMILIES.index(frozen.subject.name.removeprefix("tiny-"))
    says_the_same(frozen, list(KINDS)[1 + 2 * (place % 2)], hold)


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("kind", KINDS)
def test_features_of_every_kind_are_set_as_with_hooks(llama, kind, hold):
    says_the_same(llama, kind, hold)


@pytest.mark.parametrize("hold", ["attention", "nothing", "everything"])
@pytest.mark.parametrize("family", ["gemma2 capped", "gemma3"])
def test_what_is_written_before_a_norm_passes_it(tiny, family, hold):
    subject = tiny_subject(tiny, family)
    with own_precision(subject.model):
        says_the_same(freeze_words(subject, LENGTH), "cross-layer and skip", hold, before_post_norm=True)


def says_the_same(frozen, kind, hold, before_post_norm=False):
    transcoders = random_transcoders(frozen, **KINDS[kind])
    transcoders = replace(transcoders, before_post_norm=before_post_norm)
    mine = set_features(frozen, transcoders, changes_of(frozen), HOLDS[hold], features=True)
    theirs = Hooked(frozen, transcoders, HOLDS[hold])
    assert_close(theirs.clean_logits, frozen.logits, SHARPENED)
    for row, settings in enumerate(SETTINGS):
        logits, acts = theirs.run(settings)
        assert_close(mine.logits[row], logits, SHARPENED)
        for ours, wanted in zip(mine.features, acts, strict=True):
            assert_close(ours[row], wanted, SHARPENED)
    assert far(mine.logits, theirs.clean_logits) > 1e-4


@pytest.mark.parametrize("kind", ["jumprelu and skip", "cross-layer and skip"])
def test_direct_effects_are_the_graphs_edges(frozen, kind):
    transcoders = random_transcoders(frozen, **KINDS[kind])
    active = active_features(frozen, transcoders, 0)
    sources = feature_sources(frozen, transcoders, active)
    rows = direct_rows(frozen, feature_targets(frozen, transcoders, active), sources)
    root = direct_rows(frozen, logit_difference(frozen, ANSWER, FOIL), sources)[0]
    some = range(0, len(active.acts), 29)
    names = [[int(column[i]) for column in active.units] for i in some]
    settings = [[Setting(*name, 3 * float(active.acts[i]))] for name, i in zip(names, some, strict=True)]
    hold = Hold(layers=range(LAYERS), zero_positions=0, softcap=False)
    changes = [change_of([], LENGTH, frozen.embedded), *changes_of(frozen, settings)]
    effect = set_features(frozen, transcoders, changes, hold, tokens=[ANSWER, FOIL], features="pre")
    moved = torch.stack([effect.features[i][:, p, f] for i, p, f in zip(*active.units, strict=True)])
    moved = (moved[:, 1:] - moved[:, :1]) / 2
    assert_close(moved, rows[:, list(some)], SHARPENED, size=size_of(rows))
    shifted = effect.logits[:, 0] - effect.logits[:, 1]
    shifted = (shifted[1:] - shifted[0]) / 2
    assert_close(shifted, root[list(some)], SHARPENED, size=size_of(root))


def test_an_edge_of_a_traced_graph_is_confirmed(llama):
    graph = trace_transcoders(llama, random_transcoders(llama, skip=True), max_feature_nodes=60)
    source = int(graph.edges[-1, : graph.features].abs().argmax())
    layer, position, feature = (int(x[source]) for x in (graph.layer, graph.position, graph.neuron))
    off = change_of([Setting(layer, position, feature, 0.0)], LENGTH, llama.embedded)
    hold = Hold(layers=range(LAYERS))
    after = set_features(llama, random_transcoders(llama, skip=True), [off], hold).logits[0]
    moved = after - llama.logits
    token = int(llama.logits.argmax())
    edge = float(graph.edges[graph.features, source])  # the first root is the likeliest token
    assert_close(moved[token] - moved.mean(), -edge, SHARPENED, size=size_of(after))


@pytest.mark.parametrize("hold", HOLDS)
def test_zero_change_changes_nothing(frozen, hold):
    transcoders = random_transcoders(frozen, kind="jumprelu", span=9, skip=True)
    active = active_features(frozen, transcoders, 1)
    as_is = [
        Setting(*(int(column[i]) for column in active.units), float(active.acts[i]))
        for i in range(0, len(active.acts), 9)
    ]
    effect = set_features(frozen, transcoders, changes_of(frozen, [[], as_is]), HOLDS[hold], features=True)
    assert_close(effect.logits, frozen.logits.expand(2, -1), SHARPENED)
    for index, acts in enumerate(effect.features):
        own = active.units.pick(active.units.layer == index)
        wanted = torch.zeros_like(acts[0])
        wanted[own.position, own.neuron] = active.acts[active.units.layer == index]
        assert_close(acts, wanted.expand_as(acts), SHARPENED)


def test_a_batch_says_what_each_change_says_alone_for_the_tokens_asked_for(llama, monkeypatch):
    transcoders = random_transcoders(llama, span=9)
    together = set_features(llama, transcoders, changes_of(llama))
    monkeypatch.setattr("tracer.interventions.partial_forward.BATCH_POSITIONS", 1)
    done = []
    alone = set_features(llama, transcoders, changes_of(llama), tokens=[ANSWER, FOIL], progress=done.append)
    assert_close(together.logits[:, [ANSWER, FOIL]], alone.logits, SHARPENED, size=size_of(together.logits))
    assert done[-1] == 1.0
    assert set_features(llama, transcoders, []).logits.shape == (0, 97)


def test_weights_stay_and_no_hook_is_left_even_after_an_error(llama):
    model = llama.subject.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    hooks = [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.modules()]
    transcoders = random_transcoders(llama, span=9)
    for hold in HOLDS.values():
        set_features(llama, transcoders, changes_of(llama), hold)
        continue_text(llama, SETTINGS[0], 3, transcoders, hold)
    continue_text(llama, SETTINGS[0], 3)
    with pytest.raises(IndexError):  # no such token
        set_features(llama, transcoders, changes_of(llama), FREE, tokens=[97])
    broken = replace(transcoders.layers[2], decoder=InMemoryTable(torch.zeros(0, 2, 32, dtype=torch.float64)))
    broken = replace(transcoders, layers=(*transcoders.layers[:2], broken, transcoders.layers[3]))
    with pytest.raises(IndexError):  # in the middle of a pass
        set_features(llama, broken, changes_of(llama), FREE)
    with pytest.raises(IndexError):
        continue_text(llama, SETTINGS[0], 2, broken, FREE)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert hooks == [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.modules()]


@pytest.mark.parametrize(
    "setting", [Setting(9, 0, 0, 1.0), Setting(0, 7, 0, 1.0), Setting(0, -8, 0, 1.0), Setting(0, 0, 24, 1.0)]
)
def test_a_feature_that_does_not_exist_is_refused(llama, setting):
    with pytest.raises(GraphError, match="to be set"):
        set_features(llama, random_transcoders(llama), changes_of(llama, [[setting]]))


def test_the_later_of_two_settings_counts_and_a_doubled_change_is_refused(llama):
    twice = [Setting(1, 2, 3, 1.0), Setting(1, slice(2, 4), 3, 5.0)]
    change = change_of(twice, LENGTH, llama.embedded)
    assert change.values.tolist() == [5.0, 5.0]
    doubled = change.units.pick(torch.tensor([0, 0]))
    with pytest.raises(GraphError, match="two values"):
        set_features(llama, random_transcoders(llama), [type(change)(doubled, change.values)])


def test_transcoders_of_another_model_are_refused(llama):
    made = random_transcoders(llama)
    with pytest.raises(TranscodersError, match="not for the MLPs"):
        set_features(llama, type(made)(made.layers[:2], made.reads), changes_of(llama))


ONWARD = [Setting(1, slice(2, None), 5, 3.0), Setting(2, 3, 7, 2.0), Setting(0, slice(4, 6), 1, 2.0)]


@pytest.mark.parametrize("basis", ["features", "neurons"])
def test_a_free_continuation_is_the_text_run_again_and_again(frozen, basis):
    """Free attention makes every step a run of the longer text with what is set there."""
    transcoders = random_transcoders(frozen, kind="jumprelu", span=9) if basis == "features" else None
    found = continue_text(frozen, ONWARD, 3, transcoders, Hold(attention=False, zero_positions=1))
    ids, model = frozen.ids, frozen.subject.model
    for token, logits in zip(found.ids, found.logits, strict=True):
        wanted = again(model, frozen, ids, transcoders)
        assert_close(logits, wanted, SHARPENED)
        assert token == int(wanted.argmax())
        ids = torch.cat([ids, ids.new_tensor([token])])
    assert found.text.split() == [f"w{token}" for token in found.ids]


def again(model, frozen, ids, transcoders):
    """Next-token logits of these ids with ONWARD set."""
    from tracer.attribution.frozen_forward import freeze

    if transcoders is not None:
        longer = freeze(frozen.subject, ids)
        change = change_of(ONWARD, len(ids), frozen.embedded)
        hold = Hold(attention=False, zero_positions=1)
        return set_features(longer, transcoders, [change], hold).logits[0]
    handles = []
    for layer, position, neuron, value in ONWARD:

        def put(_module, args, position=position, neuron=neuron, value=value):
            acts = args[0].clone()
            acts[0, position, neuron] = value
            return (acts,)

        down = part(frozen.subject.blocks[layer], frozen.subject.family.down)
        handles.append(down.register_forward_pre_hook(put))
    with torch.no_grad(), hooked(handles):
        return model(ids[None]).logits[0, -1]


@pytest.mark.parametrize("hold", ["attention", "two layers", "everything"])
def test_what_is_held_is_held_for_the_first_token_only(some_frozen, hold):
    frozen = some_frozen
    transcoders = random_transcoders(frozen, skip=True)
    found = continue_text(frozen, ONWARD, 2, transcoders, HOLDS[hold])
    first = set_features(frozen, transcoders, changes_of(frozen, [ONWARD]), HOLDS[hold]).logits[0]
    free = continue_text(frozen, ONWARD, 2, transcoders, HOLDS["nothing"])
    assert_close(found.logits[0], first, SHARPENED)
    assert far(found.logits[0], free.logits[0]) > 1e-6
    assert found.logits.isfinite().all()


def test_nothing_set_is_what_the_model_generates_itself(some_frozen):
    frozen = some_frozen
    model = frozen.subject.model
    for transcoders in (None, random_transcoders(frozen)):
        for hold in (Hold(), FREE):
            ids, found = frozen.ids, continue_text(frozen, [], 3, transcoders, hold)
            for logits in found.logits:
                with torch.no_grad():
                    assert_close(logits, model(ids[None]).logits[0, -1], SHARPENED)
                ids = torch.cat([ids, logits.argmax()[None]])
            assert found.ids == tuple(ids[LENGTH:].tolist())


def test_sampling_follows_its_generator_and_its_temperature(llama):
    def draw(seed, temperature=1.0):
        random = torch.Generator().manual_seed(seed)
        return continue_text(llama, ONWARD, 6, random=random, temperature=temperature).ids

    assert draw(1, 30.0) == draw(1, 30.0)
    assert len({draw(seed, 30.0) for seed in range(4)}) > 1
    assert draw(1, 1e-6) == continue_text(llama, ONWARD, 6).ids


def test_layers_cannot_be_held_for_neurons(llama):
    with pytest.raises(GraphError, match="transcoder features only"):
        continue_text(llama, ONWARD, 1, hold=Hold(layers=range(2)))
