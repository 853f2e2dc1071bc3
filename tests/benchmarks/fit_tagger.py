"""Fits the weights by which agent.questions.slot_tagger fills slots: python -m tests.benchmarks.fit_tagger.

From phrasings.txt in agent/questions/data/, whose places are filled from texts.txt there (fixed seeds), and
from the neutral questions of tests/questions.yaml, whose slots are known.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml

from agent.questions.parser import prepare_message
from agent.questions.slot_tagger import (
    LABELS,
    TaggerWeights,
    Word,
    list_word_features,
    quote_shape,
    split_words,
)
from tests.benchmarks.fit_meaning import AFTER, BEFORE, DATA, FILLS, FRAMED, FRAMES, ROOT, bank

SEED, COPIES, RARE, COMMON = 4, 3, 3, 3
STEPS, BATCH, RATE, DECAY = 8, 64, 0.05, 1e-5
QUOTED, LAZY, REAL = (
    0.45,
    0.25,
    4,
)  # shares of fills that are quoted, that are in small letters; real questions count so often
PLACE = re.compile(r"\{([A-Z])\}")
SLOT = {"A": "said", "B": "foil", "G": "group", "E": "group", "C": "other", "N": "other", "O": "other"}


MORE = {  # fillers of several words, which FILLS has few of
    "AB": "New York|Los Angeles|San Diego|Buenos Aires|Cape Town|Hong Kong|El Salvador|"
    "Sierra Leone|Costa Rica|Isaac Newton|Jane Austen|Victor Hugo|Nikola Tesla|"
    "Abraham Lincoln|Ludwig van Beethoven|Vincent van Gogh|Indian Ocean|Mount Everest|"
    "White House|thirty one|forty-two|two hundred|a dog|the moon|ice cream|trois mots|"
    "zwei Tage|la casa|x + y|n - 1|print(x)|red wine|old man|very big|United Kingdom|"
    "North Korea|Saudi Arabia|Wall Street|World Cup|he was|they are",
    "GE": "past tenses|singular nouns|opening bracket|closing quote|month of the year|"
    "Asian country|European capital|US state|city names|proper names|female names|"
    "royal titles|say a number|say Paris|say the state|end of sentence|first person|"
    "question word|negative words|movie titles|South Africa|New Zealand|San Marino|"
    "the number 36|chess piece|musical instrument|greeting|plural|addition|subtraction|"
    "Monday|France|the first word|cat|small|hot|winter|gold",
    "C": "famous writers|odd numbers|big cities|African countries|US presidents|"
    "musical instruments|days of the week|chemical elements|female names|Spanish sentences|"
    "longer texts|prime numbers|Peru, Chile and Bolivia|Rome, Paris or Berlin|cats and dogs|"
    "Monday or Friday|Germany, Poland and North Macedonia|fruit|words with a capital letter|"
    "German verbs",
    "O": "months of the year|error messages in code|male professions|good weather|the past tense|"
    "HTML tags|legal language|swear words|medical terms|words ending in -ing|"
    "names of rivers|family members|European languages|love letters|bad news|numbers|"
    "python keywords|opening brackets|irony|tennis|chess|war|religion|food and drink",
}
MORE["F"] = MORE["GE"]
MULTIPLE = 0.3  # how often one of these is taken


class Example(NamedTuple):
    """Words, their labels, and what the message asks."""

    words: tuple[str, ...]
    labels: tuple[str, ...]
    intent: str


class Text(NamedTuple):
    """A text to continue, an answer, another, and a part of it that matters."""

    text: str
    answer: str
    other: str
    part: str


def texts() -> list[Text]:
    """What the places are filled with."""
    lines = (DATA / "texts.txt").read_text(encoding="utf-8").splitlines()
    found = [re.split(r" => | \| ", line) for line in lines if line and not line.startswith("#")]
    return [Text(*parts) for parts in found if len(parts) == len(Text._fields)]


def slot_of(place: str, intent: str, places: Sequence[str]) -> str | None:
    """Which slot a place of a phrasing fills."""
    if place == "T":
        return "text" if intent != "compare" or "U" in places else "other"
    if place == "U":
        return "other" if intent == "compare" else None
    if place == "F" or (place == "E" and intent == "holds"):
        return "other"
    if intent == "path" and place == "A":
        return "other"
    return SLOT.get(place)


def fill(place: str, about: Text, other: Text, rng: random.Random) -> str:
    """What a place holds this time."""
    if place in "TU":
        return (about if place == "T" else other).text
    more = next((some for places, some in MORE.items() if place in places), None)
    if more is not None and rng.random() < MULTIPLE:
        return rng.choice(more.split("|"))
    if place in "EG" and rng.random() < 0.6:
        return about.part
    if place in "ABF" and rng.random() < 0.7:
        return {"A": about.answer, "B": about.other, "F": other.part}[place]
    rest = FILLS[place]
    some = rng.choice(rest.split("|") if "|" in rest else rest.split())
    return PLACE.sub(lambda inner: fill(inner[1], about, other, rng), some)


def filled(line: str, intent: str, stock: Sequence[Text], rng: random.Random) -> Example:
    """A phrasing with its places filled, labelled."""
    about, other = rng.choice(stock), rng.choice(stock)
    found: list[str] = []
    marks: list[str] = []
    places = PLACE.findall(line)
    quoted, lazy = rng.random() < QUOTED, rng.random() < LAZY
    for at, piece in enumerate(PLACE.split(line)):
        if not at % 2:
            words = spelled(piece)
            found, marks = [*found, *words], [*marks, *["O"] * len(words)]
            continue
        inner, slot = fill(piece, about, other, rng).strip("'\""), slot_of(piece, intent, places)
        if (quoted if piece in "TU" else rng.random() < QUOTED / 2) and piece not in "XN":
            words = [quote_shape(inner)]
        else:
            words = spelled(inner.lower() if lazy and piece not in "G" else inner)
        if not words:
            continue
        begins = ["O"] * len(words) if slot is None else [f"B-{slot}", *[f"I-{slot}"] * (len(words) - 1)]
        found, marks = [*found, *words], [*marks, *begins]
    return Example(tuple(found), tuple(joined(found, marks)), intent)


def joined(words: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Two fillers of one slot with hardly a word between them are one: "Rome and Paris"."""
    out = list(marks)
    for at in range(2, len(out)):
        between = words[at - 1].casefold() in ("and", "or", ",", "&", "/")
        if out[at] == "B-other" and between and out[at - 1] == "O" and out[at - 2].endswith("-other"):
            out[at - 1] = out[at] = "I-other"
    return out


def spelled(piece: str) -> list[str]:
    """The words of a piece that holds no quotation marks."""
    message = prepare_message(piece)
    return [word.seen for word in split_words(message.plain, message.lifted)]


def varied(one: Example, rng: random.Random) -> Example:
    """The message as a hurried or a polite person would type it."""
    words, marks = list(one.words), list(one.labels)
    if rng.random() < 0.3:
        before = spelled(rng.choice(BEFORE))
        words, marks = [*before, *words], [*["O"] * len(before), *marks]
    if rng.random() < 0.5:
        after = spelled(rng.choice(AFTER))
        words, marks = [*words, *after], [*marks, *["O"] * len(after)]
    if rng.random() < 0.3 and words and marks[0] == "O":
        words[0] = words[0].capitalize()
    return Example(tuple(words), tuple(marks), one.intent)


def written(stock: Sequence[Text]) -> Iterator[Example]:
    """Examples made from the bank."""
    for intent, lines in bank().items():
        if intent in ("plain", "unknown", "help", "sure"):
            continue
        for line in lines:
            rng = random.Random(f"{SEED} {intent} {line}")
            for _ in range(COPIES if "{" in line else 1):
                yield varied(filled(line, intent, stock, rng), rng)
            if intent in FRAMED and "{T}" not in line:
                for _ in range(2):
                    yield varied(filled(rng.choice(FRAMES) % line.rstrip("?"), intent, stock, rng), rng)


def real(asked: Sequence[dict[str, Any]]) -> Iterator[Example]:
    """Neutral questions with known slots, labelled where each stands."""
    for one in asked:
        message = prepare_message(str(one["ask"]))
        words = split_words(message.plain, message.lifted)
        marks = ["O"] * len(words)
        for slot in ("text", "other", "foil", "said", "group"):
            if slot in one and (place := place_of(str(one[slot]), words, marks, message)):
                start, end = place
                marks[start:end] = [f"B-{slot}", *[f"I-{slot}"] * (end - start - 1)]
        yield Example(tuple(word.seen for word in words), tuple(marks), str(one["intent"]))


def place_of(value: str, words: Sequence[Word], marks: Sequence[str], message: Any) -> tuple[int, int] | None:
    """Where a slot's value stands among the words that have no label yet."""
    for at, word in enumerate(words):
        part = message.lifted.parts.get(message.plain[word.start : word.end])
        if part is not None and (part.inner or "").strip() == value.strip() and marks[at] == "O":
            return at, at + 1
    wanted = [word.casefold() for word in spelled(value)]
    for at in range(len(words) - len(wanted) + 1):
        here = words[at : at + len(wanted)]
        if [w.seen.casefold() for w in here] == wanted and set(marks[at : at + len(wanted)]) == {"O"}:
            return at, at + len(wanted)
    return None


def common_words() -> list[str]:
    """The words that questions are made of, whatever they are about."""
    seen: Counter[str] = Counter()
    for intent, lines in bank().items():
        if intent not in ("plain", "unknown"):
            for line in lines:
                seen.update({word.casefold() for word in spelled(PLACE.sub(" ", line)) if word[0].isalpha()})
    return sorted(word for word, count in seen.items() if count >= COMMON)


def fitted(examples: Sequence[Example], common: frozenset[str]) -> TaggerWeights:
    """Maximum likelihood of the chains by Adam, averaged over the last steps; fixed seeds."""
    seen = Counter(
        one
        for example in examples
        for word in list_word_features(example.words, example.intent, common)
        for one in word
    )
    known = {
        name: at for at, name in enumerate(sorted(name for name, count in seen.items() if count >= RARE))
    }
    chains = [
        (
            [
                [known[one] for one in word if one in known]
                for word in list_word_features(e.words, e.intent, common)
            ],
            [LABELS.index(mark) for mark in e.labels],
        )
        for e in examples
        if e.words
    ]
    torch.manual_seed(SEED)
    emit = torch.nn.EmbeddingBag(len(known), len(LABELS), mode="sum")
    torch.nn.init.zeros_(emit.weight)
    step = torch.nn.Parameter(torch.zeros(len(LABELS), len(LABELS)))
    first = torch.nn.Parameter(torch.zeros(len(LABELS)))
    method = torch.optim.AdamW([*emit.parameters(), step, first], lr=RATE, weight_decay=0.0)
    rng = random.Random(SEED)
    for epoch in range(STEPS):
        order = sorted(range(len(chains)), key=lambda at: (len(chains[at][1]), rng.random()))
        batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        rng.shuffle(batches)
        for group in method.param_groups:
            group["lr"] = RATE * (1 - epoch / STEPS)
        for batch in batches:
            loss = lost([chains[at] for at in batch], emit, step, first)
            loss = loss + DECAY * sum((p**2).sum() for p in (emit.weight, step))
            method.zero_grad()
            loss.backward()
            method.step()
    return TaggerWeights(common, known, *(w.detach().numpy() for w in (emit.weight, step, first)))


def lost(chains: Sequence[Any], emit: Any, step: Any, first: Any) -> Any:
    """Mean of -log p of the label chains (forward algorithm)."""
    size, longest = len(chains), max(len(marks) for _, marks in chains)
    flat = [one for seen, _ in chains for one in seen]
    starts = torch.tensor([0, *np.cumsum([len(one) for one in flat])[:-1]])
    scores = emit(torch.tensor([at for one in flat for at in one]), starts)
    lengths = torch.tensor([len(marks) for _, marks in chains])
    padded = scores.new_zeros(size, longest, len(LABELS))
    inside = torch.arange(longest)[None] < lengths[:, None]
    padded[inside] = scores
    marks = torch.zeros(size, longest, dtype=torch.long)
    marks[inside] = torch.tensor([mark for _, own in chains for mark in own])
    own = (padded.gather(2, marks[..., None])[..., 0] * inside).sum(1) + first[marks[:, 0]]
    own = own + (step[marks[:, :-1], marks[:, 1:]] * inside[:, 1:]).sum(1)
    reach = first + padded[:, 0]
    for at in range(1, longest):
        further = (reach[:, :, None] + step).logsumexp(1) + padded[:, at]
        reach = torch.where(inside[:, at, None], further, reach)
    return (reach.logsumexp(1) - own).mean()


def digest() -> str:
    """Tells whether the weights are those of the phrasings and texts that lie there."""
    return sha256(b"".join((DATA / name).read_bytes() for name in ("phrasings.txt", "texts.txt"))).hexdigest()


def save(found: TaggerWeights) -> None:
    """Write agent/questions/data/tagger.npz."""
    kept = np.abs(found.emit).max(1) > 0.05
    names = np.array(sorted(found.known, key=lambda name: found.known[name]))[kept]
    numbers = {"emit": found.emit[kept], "step": found.step, "first": found.first}
    np.savez_compressed(
        DATA / "tagger.npz",
        bank=digest(),
        common=np.array(sorted(found.common)),
        known=names,
        **{name: value.astype(np.float16) for name, value in numbers.items()},
    )


def main() -> None:
    """Fit and save."""
    asked = yaml.safe_load((ROOT / "tests" / "questions.yaml").read_text(encoding="utf-8"))
    learnt = [one for one in asked if one.get("neutral") or not one.get("held_out")]
    examples = [*written(texts()), *[one for one in real(learnt) for _ in range(REAL)]]
    save(fitted(examples, frozenset(common_words())))


if __name__ == "__main__":
    main()
