"""The planted circuits: for each a model folder, a question, and the truth about which neurons matter."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.planted.wiring import CONSTANT, Head, Step, Wiring

CONTENT = 12.0  # strength of a match: attention then goes to it alone


@dataclass(frozen=True)
class Planted:
    """A question with its truth: `causes` by name, what only acts together, and decoys that cause nothing."""

    folder: Path
    text: str
    answer: str
    foil: str
    causes: dict[str, Step]
    together: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    decoys: dict[str, Step] = field(default_factory=dict)


CAPITALS = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Japan": "Tokyo"}


def lookup(folder: Path, family: str) -> Planted:
    """France → Paris: country neurons at the country, capital neurons at the end. Two decoys beside.

    "red" is read, carried to the end and looked up like the country, with larger activations; what its
    neurons write there raises both capitals alike (common) or is read by nothing (idle).
    """
    words = ["<s>", "the", "capital", "of", "is", *CAPITALS, *CAPITALS.values(), "red", "blue", "?"]
    w = Wiring(words, layers=2)
    moves = []
    country, capital = {}, {}
    for name, city in CAPITALS.items():
        w.embeds[name] = {f"word {name}": 1.0, "a country": 1.0}
        country[name] = w.group(0, {f"word {name}": 1.0}, {f"country {name}": 1.0})
        moves.append((f"country {name}", f"subject {name}", 1.0))
        capital[name] = w.group(1, {f"subject {name}": 1.0}, {f"say {city}": 1.0})
        w.logits.append((f"say {city}", city, 8.0))
    w.embeds["red"] = {"word red": 1.0, "a colour": 1.0}
    colour = w.group(0, {"word red": 2.0}, {"colour": 1.0}, count=8)
    common = w.group(1, {"colour there": 1.0}, {"say Paris": 0.2, "say Rome": 0.2}, count=8)
    idle = w.group(1, {"colour there": 1.0}, {"nobody reads this": 0.3}, count=8)
    w.heads.append(Head(1, [("+1", "a country", CONTENT / CONSTANT)], moves))
    w.heads.append(Head(1, [("+1", "a colour", CONTENT / CONSTANT)], [("colour", "colour there", 1.0)]))
    text = "the red capital of France is"
    last, at = (len(text.split()) - (family == "gpt2")), text.split().index("France") + (family == "llama")
    red = text.split().index("red") + (family == "llama")
    return Planted(
        w.save(folder, family), text, "Paris", "Rome",
        causes={"country": w.at(country["France"], at), "capital": w.at(capital["France"], last)},
        decoys={"colour": w.at(colour, red), "common": w.at(common, last), "idle": w.at(idle, last)},
    )  # fmt: skip


def two_hop(folder: Path, family: str, count: int = 6) -> Planted:
    """Tokyo → Japan → yen: city neurons, then country neurons and currency neurons, both at the end.

    The decoy is looked up as well as the city, but carried to a place where only a shut gate reads it.
    """
    cities = {"Tokyo": ("Japan", "yen"), "Delhi": ("India", "rupee"), "London": ("Britain", "pound")}
    words = ["<s>", "currency", "where", *cities, *(w for pair in cities.values() for w in pair), "cold", "?"]
    w = Wiring(words, layers=3)
    moves, steps = [], {}
    for city, (country, money) in cities.items():
        w.embeds[city] = {f"word {city}": 1.0, "a city": 1.0}
        moves.append((f"city {city}", f"there {city}", 1.0))
        w.logits.append((f"say {money}", money, 8.0))
        steps[city] = (
            w.group(0, {f"word {city}": 1.0}, {f"city {city}": 1.0}, count=count),
            w.group(1, {f"there {city}": 1.0}, {f"country {country}": 1.0}, count=count),
            w.group(2, {f"country {country}": 1.0}, {f"say {money}": 1.0}, count=count),
        )
    w.embeds["cold"] = {"word cold": 1.0, "a weather": 1.0}
    cold = w.group(0, {"word cold": 2.0}, {"weather": 1.0}, count=8)
    shut = w.group(1, {"weather there": 1.0}, {"say rupee": 1.0}, above=5.0, count=8)
    w.heads.append(Head(1, [("+1", "a city", CONTENT / CONSTANT)], moves))
    w.heads.append(Head(1, [("+1", "a weather", CONTENT / CONSTANT)], [("weather", "weather there", 1.0)]))
    text = "where cold Tokyo currency"
    shift = int(family == "llama")
    first, second, third = steps["Tokyo"]
    return Planted(
        w.save(folder, family), text, "yen", "rupee",
        causes={
            "city": w.at(first, 2 + shift),
            "country": w.at(second, 3 + shift),
            "money": w.at(third, 3 + shift),
        },
        decoys={"cold": w.at(cold, 1 + shift), "shut": w.at(shut, 3 + shift)},
    )  # fmt: skip


def induction(folder: Path, family: str = "gpt2") -> Planted:
    """c a b d a → b: the second "a" finds what followed the first and its neurons say it.

    The neurons that hold "d", and all that fire where nothing looks, are as active and cause nothing.
    """
    letters = ["a", "b", "c", "d", "e", "f"]
    w = Wiring([*letters, "?"], layers=2)
    holds, says = {}, {}
    for letter in letters:
        w.embeds[letter] = {f"word {letter}": 1.0}
        holds[letter] = w.group(0, {f"word {letter}": 1.0}, {f"is {letter}": 1.0}, count=5)
        says[letter] = w.group(1, {f"copied {letter}": 1.0}, {f"say {letter}": 1.0}, count=5)
        w.logits.append((f"say {letter}", letter, 8.0))
    before = [(f"p{i}", f"p{i - 1}", 24.0) for i in range(1, 12)]
    w.heads.append(Head(0, before, [(f"word {x}", f"after {x}", 1.0) for x in letters]))
    alike = [(f"word {x}", f"after {x}", 24.0) for x in letters]
    w.heads.append(Head(1, alike, [(f"is {x}", f"copied {x}", 1.0) for x in letters]))
    return Planted(
        w.save(folder, family), "c a b d a", "b", "d",
        causes={"holds b": w.at(holds["b"], 2), "says b": w.at(says["b"], 4)},
        decoys={f"holds {x}": w.at(holds[x], at) for x, at in {"d": 3, "c": 0, "a": 4}.items()},
    )  # fmt: skip


def either(folder: Path, family: str, how: str) -> Planted:
    """Paris or France → French: two cues, each enough. Removing one changes nothing, removing both all.

    how="attention": the end looks at whatever cue is marked, so the other takes over when one is gone.
    how="ramp": both add up, and what reads the sum saturates below one of them.
    """
    languages = {"French": ("Paris", "France"), "Italian": ("Rome", "Italy")}
    words = ["<s>", "in", "they", "speak", *languages, *(w for pair in languages.values() for w in pair), "?"]
    w = Wiring(words, layers=2)
    cues, says, brakes, moves = {}, {}, {}, []
    for language, pair in languages.items():
        for cue in pair:
            w.embeds[cue] = {f"word {cue}": 1.0, "a cue": 1.0}
            written = {f"is {language}": 1.0}
            written |= {"a marked cue": 1.0} if how == "attention" else {}
            cues[cue] = w.group(0, {f"word {cue}": 1.0}, written)
        moves.append((f"is {language}", f"means {language}", 1.0))
        w.logits.append((f"say {language}", language, 8.0))
        read = {f"means {language}": 1.0}
        if how == "attention":
            says[language] = w.group(1, read, {f"say {language}": 1.0})
        else:  # gelu(g(x - .15)) - gelu(g(x - .35)) is flat above .4: half of both cues is enough
            says[language] = w.group(1, read, {f"say {language}": 2.5}, above=0.15, gain=60.0)
            brakes[language] = w.group(1, read, {f"say {language}": -2.5}, above=0.35, gain=60.0)
    w.heads.append(
        Head(1, [("+1", "a marked cue" if how == "attention" else "a cue", CONTENT / CONSTANT)], moves)
    )
    shift = int(family == "llama")
    last = 4 + shift
    causes = {"says": w.at(says["French"], last)}
    if brakes:
        causes["brakes"] = w.at(brakes["French"], last)
    pair = (w.at(cues["Paris"], shift), w.at(cues["France"], 2 + shift))
    return Planted(
        w.save(folder, family), "Paris in France they speak", "French", "Italian",
        causes=causes, together={"cues": pair},
    )  # fmt: skip


def any_of_three(folder: Path, family: str) -> Planted:
    """Paris or France or Lyon → French: three cues, each enough; a decoy is as active and causes nothing.

    The end looks at whatever cue is marked, so that removing one or two of them changes nothing. "red" is
    marked by nobody.
    """
    languages = {"French": ("Paris", "France", "Lyon"), "Italian": ("Rome", "Italy", "Milan")}
    words = ["<s>", "in", "near", "they", "speak", "red", *languages]
    words += [*(w for cues in languages.values() for w in cues), "?"]
    w = Wiring(words, layers=2)
    cues, says, moves = {}, {}, []
    for language, names in languages.items():
        for cue in names:
            w.embeds[cue] = {f"word {cue}": 1.0, "a cue": 1.0}
            cues[cue] = w.group(0, {f"word {cue}": 1.0}, {f"is {language}": 1.0, "a marked cue": 1.0})
        moves.append((f"is {language}", f"means {language}", 1.0))
        says[language] = w.group(1, {f"means {language}": 1.0}, {f"say {language}": 1.0})
        w.logits.append((f"say {language}", language, 8.0))
    w.embeds["red"] = {"word red": 1.0}
    red = w.group(0, {"word red": 2.0}, {"colour": 1.0}, count=8)
    w.heads.append(Head(1, [("+1", "a marked cue", CONTENT / CONSTANT)], moves))
    shift = int(family == "llama")
    text = "Paris in France near Lyon red they speak"
    at = {word: place + shift for place, word in enumerate(text.split())}
    return Planted(
        w.save(folder, family), text, "French", "Italian",
        causes={"says": w.at(says["French"], at["speak"])},
        together={"cues": tuple(w.at(cues[name], at[name]) for name in languages["French"])},
        decoys={"red": w.at(red, at["red"])},
    )  # fmt: skip


def narrow(folder: Path) -> Planted:
    """A lookup by both neurons of each of two layers: there is nothing to draw controls from."""
    w = Wiring(["France", "Italy", "is", "Paris", "Rome", "?"], layers=2, neurons_a_layer=2)
    w.embeds["France"] = {"word France": 1.0, "a country": 1.0}
    country = w.group(0, {"word France": 1.0}, {"country": 1.0}, count=2)
    capital = w.group(1, {"subject": 1.0}, {"say Paris": 1.0}, count=2)
    w.heads.append(Head(1, [("+1", "a country", CONTENT / CONSTANT)], [("country", "subject", 1.0)]))
    w.logits.append(("say Paris", "Paris", 8.0))
    causes = {"country": w.at(country, 0), "capital": w.at(capital, 1)}
    return Planted(w.save(folder, "gpt2"), "France is", "Paris", "Rome", causes)
