"""How often the right mechanism is named, and a wrong one, on texts made so that it is known.

    python -m tests.benchmarks.mechanisms [--each 20] [--held-apart]

Copying: a word said before is said again (code words, names of who did what); agreement: a verb after a
singular or plural noun; sequence: lists of known order; slot: a kind that is asked for of something unknown.
Only texts that the model completes as the mechanism has it count (in a slot: with a word of meaning).
"""

import argparse
import random
import time
from collections import Counter

from agent.core.settings import Settings
from tracer import load
from tracer.attribution.frozen_forward import freeze
from tracer.concepts import is_content, nameable_words
from tracer.concepts.mechanisms import name_mechanism

NAMES = [
    "Mary",
    "John",
    "Michael",
    "Jessica",
    "David",
    "Sarah",
    "Robert",
    "Emily",
    "James",
    "Laura",
    "Peter",
    "Alice",
    "Thomas",
    "Anna",
]
THINGS = [
    "banana",
    "table",
    "river",
    "candle",
    "hammer",
    "mirror",
    "basket",
    "violin",
    "window",
    "garden",
    "pencil",
    "bridge",
]
CODES = (
    "The code word is {x}. Remember, the code word is",
    "Her favourite word is {x}. Yes, her favourite word is",
    "I bought a {x} yesterday. I really like my new",
    "The password is {x}. To enter, type the password, which is",
)
GIVEN = (
    "When {a} and {b} went to the store, {a} gave a drink to",
    "After {a} and {b} had lunch, {a} said goodbye to",
    "Then {a} and {b} talked for hours. In the end {a} thanked",
)
LISTS = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "January February March April May June July August September October November December",
    "one two three four five six seven eight nine ten",
    "first second third fourth fifth sixth seventh eighth",
    "A B C D E F G H I J K L M",
    "Mercury Venus Earth Mars Jupiter Saturn",
    "I II III IV V VI VII VIII IX",
)
SLOTS = (
    "My {who} lives in the city of",
    "My {who} painted the wall of the kitchen in the colour",
    "My {who} was born in the month of",
    "My {who} plays the sport of",
    "My {who} speaks the language",
    "My {who} was born in the country of",
)
NOUNS = [
    "key",
    "cabinet",
    "boy",
    "girl",
    "teacher",
    "car",
    "picture",
    "letter",
    "doctor",
    "house",
    "dog",
    "tree",
    "window",
    "farmer",
]
SUBJECTS = ("The {a} near the {b}", "The {a} that the {b} liked", "I know that the {a} behind the {b}")
VERBS = {f" {verb}" for verb in ["is", "are", "was", "were", "has", "have", "does", "do"]}
WHO = ["uncle", "neighbour", "teacher", "dentist", "cousin", "friend", "boss", "sister", "plumber", "lawyer"]


def texts_of(kind: str, dice: random.Random) -> list[tuple[str, str | None]]:
    """(text, answer that the mechanism gives; None where any of a kind is right)."""
    if kind == "copying":
        codes = [(form.format(x=x), f" {x}") for form in CODES for x in THINGS]
        pairs = [dice.sample(NAMES, 2) for _ in range(12)]
        return codes + [(form.format(a=a, b=b), f" {b}") for form in GIVEN for a, b in pairs]
    if kind == "sequence":
        out: list[tuple[str, str | None]] = []
        for items in (line.split() for line in LISTS):
            for start in range(len(items) - 4):
                for between in (", ", " "):
                    out.append(
                        (between.join(items[start : start + 4]) + between.rstrip(), f" {items[start + 4]}")
                    )
        return out
    if kind == "slot":
        return [(form.format(who=who), None) for form in SLOTS for who in WHO]
    nouns = [(one, f"{one}s") for one in NOUNS]
    return [
        (form.format(a=a[number], b=b[1 - number]), None)
        for form in SUBJECTS
        for a in nouns
        for b in dice.sample([noun for noun in nouns if noun != a], 2)
        for number in (0, 1)
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--held-apart", action="store_true")
    asked = parser.parse_args()
    subject = load("embedded", cache=Settings().cache_folder)
    words = nameable_words(subject)
    for kind in ("copying", "agreement", "sequence", "slot"):
        dice = random.Random(0)
        texts = texts_of(kind, dice)
        dice.shuffle(texts)
        half = texts[1::2] if asked.held_apart else texts[::2]
        named: Counter[str | None] = Counter()
        before = time.process_time()
        for text, answer in half:
            if sum(named.values()) == asked.each:
                break
            frozen = freeze(subject, subject.encode(text, 100))
            says = int(frozen.logits.argmax())
            said = subject.token_texts([says])[0]
            if said not in (VERBS if kind == "agreement" else {answer or said}) or (
                kind == "slot" and not is_content(said)
            ):
                continue
            found = name_mechanism(frozen, words, says)
            name = found.name if found else None
            named[name] += 1
            if name != kind:
                print(f"  {kind}: {text} -> {said} named {name}")
        spent = (time.process_time() - before) / max(1, sum(named.values()))
        print(
            f"{kind}: {dict(named)} of {sum(named.values())}, {spent:.1f} processor seconds a text",
            flush=True,
        )


if __name__ == "__main__":
    main()
