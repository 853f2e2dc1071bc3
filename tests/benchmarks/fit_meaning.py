"""Fits the weights by which intent_classifier reads questions: python -m tests.benchmarks.fit_meaning.

From phrasings.txt and typed.txt in agent/questions/data/, whose places are filled and which are framed,
misspelt and made polite at random (fixed seeds), and from tests/questions.yaml: what is not held out, and
what is `neutral` (written by somebody who had not seen the phrases; scored once before it was learnt from).
With --check it measures how many neutral questions are read right when their fold is not learnt.
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml

from agent.core.sentence_encoder import Encoder
from agent.questions.intent_classifier import PLAIN, count_marks, list_marks
from agent.questions.parser import classifier_input

ROOT = Path(__file__).parents[2]
DATA = ROOT / "agent" / "questions" / "data"
FRAMED = {"why", "why_not", "make", "uses", "words", "mistake", "intervene", "swap", "path"}
FRAMES = ["in {T}, %s", "%s in {T}", "for {T}: %s", "{T} - %s", "given {T}, %s", "{T}. %s", "i typed {T}. %s"]
FRAMES += [
    "%s for {T}",
    "%s ({T})",
    "%s, the text is {T}",
    "with {T} %s",
    "when i write {T}, %s",
    "%s after {T}",
]
BEFORE = [
    "ok but",
    "hmm,",
    "please",
    "can you",
    "so",
    "hey,",
    "and",
    "could you",
    "i'd like to know",
    "wait,",
]
BEFORE += ["tell me", "now", "um,", "ok so", "could you tell me", "i wonder", "right, but", "just"]
AFTER = [" please", " pls", " then", " though", " here", " exactly", " thanks", "?", "?", "?", "??", ".", "!"]
FILLS = {
    "A": "Austin Paris yen golf blue oxygen Thursday 95 are Obama large rabbit Berlin dog Jupiter 'Lyon'",
    "B": "Houston Rome dollar tennis big carbon Friday 85 is Boulder small Madrid cat Mars 'Nice'",
    "F": "Colorado Delhi California Ohio France China Germany London Michelle winter 'Peru' silver seven",
    "E": "Texas|Tokyo|the word capital|Dallas|Cairo|the comma|the state|'whose'|Japan|Michael Jordan|France"
    "|the name|opposite|the question mark|the city|the first word|'Rome'|the subject|size|carrot",
    "G": "the Texas group|S2|S3|L11.N1234|the capital group|this group|this node|it|the say Austin group|that"
    "|that supernode|S4|'rhyme'|L3.N20+|this feature|the {O} node|the {O} feature|{O}|the {O} group|this one",
    "C": "states|countries|cities|athletes|other states|presidents|colours|currencies|other words|animals"
    "|languages|planets|verbs|names|other prompts|texts|nouns|capitals",
    "N": "3|two|third|2nd|first|C4|5|#2|number 4|no. 1|one|second|fourth|last",
    "O": "capital cities|money|sports|animals|negation|colours|'music'|names of people|geography|France|rhyme"
    "|antonym|currency|say a capital|Golden Gate|plural|country|state|opposite|Texas|capital|code|cooking",
    "X": "3|50%|half|two|0.5|-1|twice|ten|5|zero|-2|200 %|1.5",
}
MARKS = ['"%s"', "'%s'", "“%s”", "«%s»", "`%s`"]
SEED, COPIES, RARE = 6, 2, 3
CHOICE, CHOSEN = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]"), 6  # [one|of|these], and how often a line is filled
MEANING, MARKED = 30.0, 15.0  # how freely the weights of the two kinds of features may grow
STEPS, FOLDS = 150, 5


class Example(NamedTuple):
    """A masked sentence, the phrase's intent that fitted, and what it is."""

    sentence: str
    fitted: str | None
    intent: str


BANKS = ("phrasings.txt", "typed.txt")


def bank(name: str = BANKS[0]) -> dict[str, list[str]]:
    """The phrasings of a file by intent."""
    found: dict[str, list[str]] = {}
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if named := re.fullmatch(r"\[(\w+)\]", line):
            found[named[1]] = []
        elif line.strip() and not line.startswith("#"):
            found[list(found)[-1]].append(line.replace("\\n", "\n"))
    return found


def filled(line: str, plain: Sequence[str], rng: random.Random) -> str:
    """The line with its places filled."""

    def fill(place: re.Match[str]) -> str:
        if place[1] in "TU":
            text = rng.choice(plain)
            free = place[1] == "T" and rng.random() < 0.3 and "\n" not in text
            return text if free else rng.choice(MARKS) % text
        rest = FILLS[place[1]]
        return rng.choice(rest.split("|") if "|" in rest else rest.split())

    while CHOICE.search(line):
        line = CHOICE.sub(lambda place: rng.choice(place[1].split("|")), line)
    line = re.sub(" {2,}", " ", line).strip()
    while "{" in line and (done := re.sub(r"\{([A-Z])\}", fill, line)) != line:
        line = done
    return line


def varied(line: str, rng: random.Random) -> str:
    """The line as a hurried or a polite person would type it."""
    if rng.random() < 0.3:
        line = f"{rng.choice(BEFORE)} {line}"
    if rng.random() < 0.5:
        line += rng.choice(AFTER)
    if rng.random() < 0.3:
        line = line[:1].upper() + line[1:]
    if rng.random() < 0.1 and len(line) > 8:
        at = rng.randrange(1, len(line) - 2)
        line = line[:at] + line[at + 1] + line[at] + line[at + 2 :]
    return line


def written() -> Iterator[tuple[str, str]]:
    """Messages made from the bank, with their intent."""
    plain = [line for line in bank()[PLAIN] if len(line.split()) > 2]
    for intent, lines in (row for name in BANKS for row in bank(name).items()):
        for line in lines:
            rng = random.Random(f"{SEED} {intent} {line}")
            if intent == PLAIN:
                line = filled(line, plain, rng) if CHOICE.search(line) else line
                yield line, intent
                words = line.split(" ")
                if len(words) > 4:
                    yield " ".join(words[: rng.randrange(3, len(words))]), intent
                continue
            yield filled(line, plain, rng), intent
            for _ in range(CHOSEN if CHOICE.search(line) else COPIES if "{" in line else 1):
                yield varied(filled(line, plain, rng), rng), intent
            if intent in FRAMED and "{T}" not in line:
                framed = rng.choice(FRAMES) % line.rstrip("?")
                yield varied(filled(framed, plain, rng), rng), intent


def example(message: str, intent: str, *, phrase: bool = True) -> Example:
    """A message as the classifier sees it."""
    sentence, fitted = classifier_input(message)
    return Example(sentence, fitted if phrase else None, intent)


def examples(asked: Sequence[dict[str, Any]]) -> list[Example]:
    """What to learn from. The phrases were tuned on most questions, so what fits these is no guide."""
    made = [example(message, intent) for message, intent in written()]
    kept = [example(a["ask"], _class(a), phrase=bool(a.get("neutral"))) for a in asked if a["ask"].strip()]
    return [one for one in dict.fromkeys(made + kept) if one.sentence]


def _class(asked: dict[str, Any]) -> str:
    return PLAIN if asked["intent"] == "text" and asked.get("text") == asked["ask"] else str(asked["intent"])


class Vectors:
    """Vectors of sentences, each made once."""

    def __init__(self) -> None:
        self._encoder, self._known = Encoder.open(), dict[str, Any]()

    def of(self, sentences: Sequence[str]) -> Any:
        """One row a sentence."""
        new = [s for s in dict.fromkeys(sentences) if s not in self._known]
        self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[s] for s in sentences])


class Fitted(NamedTuple):
    """What agent/questions/data/meaning.npz holds."""

    classes: list[str]
    known: dict[str, int]
    weights: Any


def fitted(learnt: Sequence[Example], vectors: Vectors) -> Fitted:
    """Multinomial logistic regression with ridge, by L-BFGS from zero: the same data, the same weights."""
    classes = sorted({one.intent for one in learnt})
    seen = Counter(mark for one in learnt for mark in list_marks(one.sentence, one.fitted))
    known = {mark: at for at, mark in enumerate(sorted(m for m, n in seen.items() if n >= RARE))}
    rows = [list_marks(one.sentence, one.fitted) for one in learnt]
    at = [[known[mark] for mark in sorted(row) if mark in known] for row in rows]
    bags = torch.tensor([place for row in at for place in row])
    starts = torch.tensor([0, *np.cumsum([len(row) for row in at])[:-1].tolist()])
    each = torch.tensor([len(row) ** -0.5 for row in at for _ in row]) * MARKED**0.5
    meaning = torch.tensor(vectors.of([one.sentence for one in learnt])) * MEANING**0.5
    y = torch.tensor([classes.index(one.intent) for one in learnt])
    rarity = torch.bincount(y).float().rsqrt()[y]
    width = meaning.shape[1]
    weights = torch.zeros(width + len(known) + 1, len(classes), requires_grad=True)
    method = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        method.zero_grad()
        seen = torch.nn.functional.embedding_bag(
            bags, weights[width:-1], starts, mode="sum", per_sample_weights=each
        )
        scores = meaning @ weights[:width] + seen + weights[-1]
        miss = torch.nn.functional.cross_entropy(scores, y, reduction="none")
        total = (miss * rarity / rarity.mean()).sum() + 0.5 * (weights[:-1] ** 2).sum()
        total.backward()
        return total

    method.step(loss)
    size = np.concatenate([np.full(width, MEANING), np.full(len(known), MARKED), [1.0]]) ** 0.5
    return Fitted(classes, known, (weights.detach().numpy() * size[:, None]).astype(np.float32))


def digest() -> str:
    """Tells whether the weights are those of the phrasings that lie there."""
    return sha256(b"".join((DATA / name).read_bytes() for name in BANKS)).hexdigest()


def save(found: Fitted) -> None:
    """Write agent/questions/data/meaning.npz."""
    known = sorted(found.known, key=lambda mark: found.known[mark])
    weights = found.weights.astype(np.float16)
    np.savez_compressed(
        DATA / "meaning.npz", bank=digest(), classes=found.classes, marks=known, weights=weights
    )


def odds(found: Fitted, of: Sequence[Example], vectors: Vectors) -> Any:
    """The scores of each class, a row an example."""
    rows = [count_marks(list_marks(one.sentence, one.fitted), found.known) for one in of]
    rows = np.hstack([vectors.of([one.sentence for one in of]), np.stack(rows), np.ones((len(of), 1))])
    return rows @ found.weights


def checked(asked: Sequence[dict[str, Any]], vectors: Vectors) -> float:
    """The share of the neutral questions whose intent is the likeliest when their fold was not learnt."""
    neutral = [one for one in asked if one.get("neutral")]
    random.Random(SEED).shuffle(neutral)
    right = 0
    for fold in range(FOLDS):
        left_out = neutral[fold::FOLDS]
        found = fitted(examples([one for one in asked if one not in left_out]), vectors)
        tried = [example(one["ask"], _class(one)) for one in left_out]
        best = odds(found, tried, vectors).argmax(1)
        right += sum(found.classes[at] == one.intent for at, one in zip(best, tried, strict=True))
    return right / len(neutral)


def main() -> None:
    """Fit and save, or check."""
    asked = yaml.safe_load((ROOT / "tests" / "questions.yaml").read_text(encoding="utf-8"))
    learnt = [one for one in asked if one.get("neutral") or not one.get("held_out")]
    if "--check" in sys.argv:
        share = checked(learnt, Vectors())
        sys.stdout.write(f"{share:.1%} of the neutral questions, {FOLDS} folds\n")
        return
    of = examples(learnt)
    save(fitted(of, Vectors()))
    sys.stdout.write(f"{len(of)} examples learnt\n")


if __name__ == "__main__":
    main()
