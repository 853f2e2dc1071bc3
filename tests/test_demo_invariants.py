"""What circuit-tracer's published demos show, checked where their public weights are in the cache.

Percentages are the authors' (bfloat16, other kernels) and are not compared; what is said first is, and that
the features they name fire where they say. Nothing is downloaded: without the weights a test is skipped.

Rows that cannot be written, since what is published does not say what they need: Beijing, British Columbia,
"big" and "synonym" (the texts the values are taken from), China, Thailand and Scandinavia on Llama (their
features), the early garden path (its value), pirates (sampled). "2 + 1 = 8" is not supported by the
notebook's own code, which asks another text; the notebooks without an intervention show drawings only.
"""

from typing import NamedTuple

import pytest
import torch
from frozen_reference import own_precision
from tests_support import freeze_words, random_transcoders, relu_subject, save_own_mlps, tiny_subject

from tracer.attribution.frozen_forward import freeze
from tracer.attribution.targets import logit_difference
from tracer.interventions.feature_intervene import Setting, change_of, set_features
from tracer.interventions.generate import continue_text
from tracer.transcoders.attribute import named_roots, text_ids, trace_transcoders
from tracer.transcoders.transcoders import read_input

GEMMA = ("google/gemma-2-2b", "mwhanna/gemma-scope-transcoders")
LLAMA = ("meta-llama/Llama-3.2-1B", "mntss/transcoder-Llama-3.2-1B")
DALLAS = "Fact: the capital of the state containing Dallas is"
OAKLAND = "Fact: the capital of the state containing Oakland is"
FRENCH, CHINESE = 'Le contraire de "petit" est "', '"小"的反义词是"'
JORDAN, JORDAN_ES = "Fait: Michael Jordan joue au", "Hecho: Michael Jordan juega al"
BRADY = "Tom Brady plays the sport of"
LANGUAGE, MONEY = "Mexico:Spanish :: US:", "Mexico:peso :: US:"
PATH = "Because the manager retired the project"

CAPITAL = "15_4494_4 6_4662_4 4_7671_4 3_13984_4 1_1000_4"
STATE = "6_4012_7 0_13727_7"
TEXAS = "20_15589_9 19_7477_9 16_25_9 4_13154_9 14_2268_9 7_6861_9"
SAY_A_CAPITAL = "21_5943_10 17_7178_10 7_691_10 16_4298_10"
SAY_AUSTIN = "23_12237_10"
CALIFORNIA = "22_4367_10 21_2464_10 6_13909_9 8_14641_9 14_12562_9"
SAY_BIG = "23_8683_8 23_8488_8 21_10062_8"
SMALL = "15_5617_5 14_11360_5 3_6627_5 3_2908_5 2_5452_5"
IS_FRENCH = "21_1144_8 22_10566_8 20_1454_8 23_2592_8 19_5802_8"
IS_CHINESE = "24_2394_8 22_11933_8 20_12983_8 21_13505_8 23_13630_8"
A_LANGUAGE, A_CURRENCY = "6_1509_3 9_11486_3 9_16135_3 14_1107_3", "6_2102_3 9_11294_3 9_13858_3 14_9246_3"
SAY_LANGUAGE, SAY_CURRENCY = "16_10591_6 17_14947_6", "16_1778_6 17_14392_6 17_4027_6 17_8064_6 19_6095_6"


class Times(NamedTuple):
    """Features (layer_feature_position) times a factor of what they are in a text, at a position there."""

    features: str
    factor: float
    text: str | None = None
    position: int | None = None


class Shown(NamedTuple):
    """A demo's row: what is done to a text, and what it then says first (or does not)."""

    weights: tuple[str, str]
    text: str
    changes: tuple[Times, ...]
    first: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


OFF = "20_1454_6 20_1454_7"
SHOWN = {
    "Dallas: Austin": Shown(GEMMA, DALLAS, (), (" Austin",)),
    "Dallas without say-a-capital: Texas": Shown(GEMMA, DALLAS, (Times(SAY_A_CAPITAL, -2),), (" Texas",)),
    "Dallas without capital: Texas": Shown(GEMMA, DALLAS, (Times(CAPITAL, -2),), (" Texas",)),
    "Dallas without Texas: not Austin": Shown(GEMMA, DALLAS, (Times(TEXAS, -2),), never=(" Austin",)),
    "Dallas without state: still Austin": Shown(GEMMA, DALLAS, (Times(STATE, -2),), (" Austin",)),
    "Dallas with California: Sacramento": Shown(
        GEMMA, DALLAS, (Times(TEXAS, -2), Times(CALIFORNIA, 2, OAKLAND)), (" Sacramento",)
    ),
    "petit: grand": Shown(GEMMA, FRENCH, (), ("grand",)),
    "petit without French: big": Shown(GEMMA, FRENCH, (Times(IS_FRENCH, -2),), ("big",)),
    "petit in Chinese: 大": Shown(
        GEMMA, FRENCH, (Times(IS_FRENCH, -2), Times(IS_CHINESE, 2, CHINESE)), ("大",)
    ),
    "Jordan: basket": Shown(GEMMA, JORDAN, (), (" basket",)),
    "Jordan in Spanish: baloncesto": Shown(GEMMA, JORDAN_ES, (), (" baloncesto",)),
    "Jordan, Spanish for French: baloncesto": Shown(
        GEMMA, JORDAN, (Times(OFF, 0), Times("20_341_6 20_341_7", 10, JORDAN_ES)), (" baloncesto",)
    ),
    "Jordan in Spanish without one feature: still baloncesto": Shown(
        GEMMA, JORDAN_ES, (Times("20_341_6 20_341_7", 0),), (" baloncesto",)
    ),
    "Jordan with football, late": Shown(
        GEMMA, JORDAN, (Times("18_12672_7", 0), Times("16_5039_7", 10, BRADY, 6)), (" football",)
    ),
    "Jordan with football, early": Shown(
        GEMMA, JORDAN, (Times("1_1173_5", 0), Times("0_1703_5", 10, BRADY, 2)), (" football",)
    ),
    "US: English": Shown(GEMMA, LANGUAGE, (), (" English", "English")),
    "US, a currency early": Shown(
        GEMMA, LANGUAGE, (Times(A_LANGUAGE, 0), Times(A_CURRENCY, 10, MONEY)), ("Dollar", " Dollar")
    ),
    "US, a currency late": Shown(
        GEMMA,
        LANGUAGE,
        (Times(SAY_LANGUAGE, 0), Times(SAY_CURRENCY, 10, MONEY)),
        tuple(f"{space}{word}" for space in ("", " ") for word in ("Dollar", "Dollars", "dollars")),
    ),
    "2 + 1 = 3": Shown(GEMMA, "2 + 1 = ", (), ("3",)),
    "a garden path: a comma": Shown(LLAMA, PATH, (), (",",)),
    "a garden path without its late features: still a comma": Shown(
        LLAMA, PATH, (Times("10_117209_6 12_123901_6", 0),), (",",)
    ),
    "peso: yuan": Shown(LLAMA, "Mexico: peso :: China:", (), (" yuan",)),
}
FIRES = {  # text: features the demos' graphs draw
    DALLAS: f"{CAPITAL} {STATE} {TEXAS} {SAY_A_CAPITAL} {SAY_AUSTIN} 19_1445_10 18_6101_10",
    OAKLAND: CALIFORNIA,
    FRENCH: f"{IS_FRENCH} {SAY_BIG} {SMALL}",
    JORDAN: "18_12672_7 20_1454_7 1_1173_5",
    LANGUAGE: f"{A_LANGUAGE} {SAY_LANGUAGE}",
}


class Demo:
    """A subject with its transcoders, and the texts asked about so far."""

    def __init__(self, subject, transcoders):
        self.subject, self.transcoders, self.texts = subject, transcoders, {}

    def on(self, text):
        if text not in self.texts:
            self.texts[text] = freeze(self.subject, text_ids(self.subject, text, 64))
        return self.texts[text]

    def activation(self, text, layer, position, feature):
        x = read_input(self.on(text).layers[layer], self.transcoders.reads)[position, None]
        return float(self.transcoders.layers[layer].encode(x)[0, feature])

    def settings(self, text, changes):
        found = []
        for features, factor, source, place in changes:
            for layer, feature, position in named(features):
                where = position if place is None else place
                value = factor * self.activation(source or text, layer, where, feature) if factor else 0.0
                found.append(Setting(layer, position, feature, value))
        return found

    def says(self, text, changes):
        """The likeliest next token."""
        frozen = self.on(text)
        change = change_of(self.settings(text, changes), frozen.length, frozen.embedded)
        logits = set_features(frozen, self.transcoders, [change]).logits[0]
        return self.subject.token_texts([int(logits.argmax())])[0]


def named(features):
    """(layer, feature, position) of "layer_feature_position ..."."""
    return [tuple(int(number) for number in name.split("_")) for name in features.split()]


OPEN = {}


@pytest.fixture
def open_demo(cache_folder):
    """A demo's model, or the test is skipped with what is not here."""

    def opened(weights):
        from huggingface_hub import try_to_load_from_cache

        from tracer import load, load_transcoders

        files = zip(weights, ("config.json", "config.yaml"), strict=True)
        missing = [repo for repo, name in files if not isinstance(try_to_load_from_cache(repo, name), str)]
        if missing:
            pytest.skip(f"not run: {' and '.join(missing)} not in the Hugging Face cache")
        if weights not in OPEN:
            subject = load(weights[0], cache=cache_folder, dtype=torch.bfloat16)
            OPEN[weights] = Demo(subject, load_transcoders(weights[1]))
        return OPEN[weights]

    return opened


@pytest.mark.parametrize("name", SHOWN)
def test_the_model_says_what_the_demo_shows(open_demo, name):
    weights, text, changes, first, never = SHOWN[name]
    said = open_demo(weights).says(text, changes)
    assert not first or said in first
    assert said not in never


@pytest.mark.parametrize("text", FIRES)
def test_the_features_of_the_demo_fire_where_it_says(open_demo, text):
    demo = open_demo(GEMMA)
    silent = [n for n in named(FIRES[text]) if demo.activation(text, n[0], n[2], n[1]) <= 0]
    assert not silent


def test_say_austin_falls_in_the_order_the_demo_shows(open_demo):
    """Say-a-capital silences it, Texas nearly, capital halves it."""
    demo, left = open_demo(GEMMA), []
    (layer, feature, position) = named(SAY_AUSTIN)[0]
    frozen = demo.on(DALLAS)
    for group in (SAY_A_CAPITAL, TEXAS, CAPITAL):
        change = change_of(demo.settings(DALLAS, (Times(group, -2),)), frozen.length, frozen.embedded)
        features = set_features(frozen, demo.transcoders, [change], features=True).features
        left.append(float(features[layer][0, position, feature]))
    clean = demo.activation(DALLAS, layer, position, feature)
    assert left[0] < left[1] < left[2] < clean


def test_opposites_share_features_between_languages(open_demo):
    demo = open_demo(GEMMA)
    for text in ('The opposite of "small" is "', FRENCH, CHINESE):
        places = range(1, demo.on(text).length)
        for layer, feature in ((15, 5617), (14, 11360), (23, 8683), (21, 10062)):
            assert max(demo.activation(text, layer, place, feature) for place in places) > 0


def test_the_strongest_features_of_a_difference_carry_it(open_demo):
    """Ten times the ten strongest widens logit(Austin) - logit(Dallas), without them it narrows."""
    carried(open_demo(GEMMA), DALLAS, " Austin", " Dallas")


def carried(demo, text, answer, foil):
    frozen, (one, other) = demo.on(text), [demo.subject.pieces(t)[0] for t in (answer, foil)]
    roots = named_roots(logit_difference(frozen, one, other), ("LD",), (1.0,))
    graph = trace_transcoders(frozen, demo.transcoders, roots, max_feature_nodes=512, zero_positions=1)
    best = graph.effect[: graph.features].argsort(descending=True)[:10].tolist()
    places = [(int(graph.layer[i]), int(graph.position[i]), int(graph.neuron[i])) for i in best]
    moved = []
    for factor in (1, 10, 0):
        held = [Setting(*at, factor * float(graph.activation[i])) for at, i in zip(places, best, strict=True)]
        change = change_of(held, frozen.length, frozen.embedded)
        logits = set_features(frozen, demo.transcoders, [change], tokens=[one, other]).logits[0].double()
        moved.append(float(logits[0] - logits[1]))
    assert moved[2] < moved[0] < moved[1]


def test_a_held_language_is_spoken_on(open_demo):
    demo = open_demo(GEMMA)
    spanish = [demo.activation(JORDAN_ES, 20, place, 341) for place in (6, 7)]
    ever = slice(1, None)
    settings = [Setting(20, ever, 341, 10 * sum(spanish) / 2), Setting(20, ever, 1454, 0.0)]
    frozen = demo.on(JORDAN)
    assert "baloncesto" not in continue_text(frozen, [], 10, demo.transcoders).text
    assert "baloncesto" in continue_text(frozen, settings, 10, demo.transcoders).text
    season = demo.on("La saison après le printemps s'appelle")
    assert "temporada" not in continue_text(season, [], 10, demo.transcoders).text
    assert "temporada" in continue_text(season, settings, 10, demo.transcoders).text


def test_the_check_itself_sees_what_features_do(tiny):
    """On a tiny model: the same table rows, what is said first, and that a wrong claim would be noticed."""
    subject = tiny_subject(tiny, "llama")
    with own_precision(subject.model):
        transcoders = random_transcoders(freeze_words(subject))
        demo, text = Demo(subject, transcoders), "w1 w5 w9 w70"  # w0 comes before it
        assert named("1_22_3 0_4_1") == [(1, 22, 3), (0, 4, 1)]
        clean = demo.says(text, ())
        assert clean == subject.token_texts([int(demo.on(text).logits.argmax())])[0]
        layer, feature = next(
            (i, f) for i in (2, 3) for f in range(24) if demo.activation(text, i, 4, f) > 0.1
        )
        name = f"{layer}_{feature}_4"
        assert demo.says(text, (Times(name, 1.0),)) == clean
        assert demo.says(text, (Times(name, -500.0),)) != clean
        own = demo.settings(text, (Times(name, 2.0, "w7 w9 w3 w4", 1), Times("0_4_1", 0)))
        assert own == [
            Setting(layer, 4, feature, 2 * demo.activation("w7 w9 w3 w4", layer, 1, feature)),
            Setting(0, 1, 4, 0.0),
        ]


def test_the_check_of_a_difference_runs_on_a_model_that_is_its_own_set(tmp_path):
    """What the demo claims of gemma-2-2b holds where features are the model's own neurons and it is small."""
    from tracer.transcoders.hub import load_transcoders

    subject = relu_subject()
    save_own_mlps(subject, tmp_path / "own")
    with own_precision(subject.model):
        carried(Demo(subject, load_transcoders(str(tmp_path / "own"))), "w5 w9 w33 w2", "w49", "w37")
