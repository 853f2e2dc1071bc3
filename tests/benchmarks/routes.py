"""How far what few heads write brings another word's answer, on texts where another word is known to.

    python -m tests.benchmarks.routes [--each 3] [--skip 0] [--held-apart]

On texts of concept_texts.json (those the embedded model completes rightly; half of them is held apart).
In the place of the word that counts most comes one of its kind that brings another answer, else any that
does. `moves at once`: from one layer to the next the word's own place loses at least half of the way to that
answer. `few take it`: what up to three heads write at the last word makes half of it at least, and twice what
any of 99 sets of as many others makes. `says it`: the model then says that other answer.
"""

import argparse
from collections import Counter
from statistics import median

from agent.core.settings import Settings
from tests.benchmarks.concept_naming import chosen
from tracer import Frozen, load
from tracer.attribution.frozen_forward import freeze
from tracer.concepts import (
    Route,
    Words,
    find_other_word,
    find_route,
    nameable_words,
    try_near_words,
    weigh_words,
)

DECIDES = 0.5  # of the answer's probability that is left at most with others in a word's place
HALF = 0.5  # of the way


def follow_one(frozen: Frozen, words: Words) -> Route | None:
    """The way of a word that decides which answer it is, else of the one that counts most."""
    answer = int(frozen.logits.argmax())
    weights = sorted(weigh_words(frozen, words, answer), key=lambda one: one.kept)
    spans = [(one.first, one.last) for one in weights if one.kept <= DECIDES]
    for first, last in spans:
        turns = try_near_words(frozen, words, answer, last).turns if first == last else ()
        if turns and turns[0].of_kind:
            return find_route(frozen, answer, ((last, turns[0].other),), turns[0].says)
    found = find_other_word(frozen, words, answer, spans[0]) if spans else None
    return find_route(frozen, answer, *found) if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--held-apart", action="store_true")
    asked = parser.parse_args()
    subject = load(cache=Settings().cache_folder)
    words, count, heads, shares, others = nameable_words(subject), Counter[str](), Counter[str](), [], []
    for text in chosen(asked.held_apart, asked.each, asked.skip):
        count["texts"] += 1
        route = follow_one(freeze(subject, subject.encode(text["text"], 64)), words)
        if route is None:
            print(f"{'no other answer':24} {text['text']}", flush=True)
            continue
        count["followed"] += 1
        count["moves at once"] += route.kept - route.gone >= HALF
        few = route.together >= HALF and max(route.others) <= route.together / 2
        count["few take it"] += few
        count["says it"] += few and route.said[0] == route.says
        heads.update(f"{one.layer}.{one.head}" for one in route.heads if few)
        shares.append(route.together)
        others.append(max(route.others))
        names = ", ".join(f"{one.layer}.{one.head} {one.share:.2f}" for one in route.heads)
        print(f"{names:24} {route.together:.2f} {max(route.others):.2f}  {text['text']}", flush=True)
    print(", ".join(f"{name} {number}" for name, number in count.items()))
    if shares:
        print(
            f"share of the way, median: named heads {median(shares):.2f}, most of others {median(others):.2f}"
        )
    print("heads:", ", ".join(f"{name} ({times})" for name, times in heads.most_common(6)))


if __name__ == "__main__":
    main()
