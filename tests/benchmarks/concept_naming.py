"""How often the tested chain names the known middle concept, and how well effects are foreseen.

    python -m tests.benchmarks.concept_naming [--each 3] [--skip 0] [--held-apart]

On texts of concept_texts.json (those the embedded model completes rightly; half of them is held apart). A
concept counts as named where a token of the path begins as the middle does (four letters), and apart from
that where the name in brackets beside it does: the ablation of both beats its pushes, and both are told.
"""

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.core.settings import Settings
from agent.suites.results import measure_agreement
from tracer import load
from tracer.attribution import Frozen
from tracer.attribution.frozen_forward import freeze
from tracer.concepts import (
    Chain,
    ConceptNode,
    Words,
    ablate,
    exchange,
    find_alternatives,
    find_concepts,
    find_partners,
    follow,
    forecast,
    nameable_words,
    swap_concepts,
)
from tracer.lens import Lens, lens_for

LETTERS, CONTROLS = 4, 19


def chosen(held_apart: bool, each: int, skip: int) -> list[dict[str, Any]]:
    """So many texts of each shape, always the same."""
    data = json.loads((Path(__file__).parent / "concept_texts.json").read_text())
    dice, by_shape = random.Random(1), defaultdict(list)
    for text in data["texts"]:
        if text["held_apart"] == held_apart:
            by_shape[text["shape"]].append(text)
    out = []
    for texts in by_shape.values():
        dice.shuffle(texts)
        out += texts[skip : skip + each]
    return out


def is_named(subject: Any, nodes: list[ConceptNode], middle: str) -> bool:
    """Whether one of the nodes' tokens begins as the middle does."""
    texts = [text for node in nodes for text in subject.token_texts(list(node.tokens))]
    return any(text.strip().lower()[:LETTERS] == middle.lower()[:LETTERS] for text in texts)


@dataclass
class Tally:
    """Counts over texts, and effects foreseen and measured."""

    counts: Counter[str] = field(default_factory=Counter)
    effects: list[dict[str, float]] = field(default_factory=list)
    said: str = ""

    def add_changes(self, frozen: Frozen, lens: Lens, words: Words, chain: Chain) -> None:
        """Foresee and measure what takes out the path's concepts and exchanges the main one."""
        self.said = ""
        if chain.main is None:
            return
        subject, main = frozen.subject, chain.tested[chain.main].node
        which = [*chain.path, *([] if chain.also is None else [chain.also])]
        nodes = [chain.tested[i].node for i in which]
        measured = [chain.tested[i].effect for i in which]
        partners = find_partners(frozen, lens, words, main)
        changes = [ablate(frozen, lens, node.held, node.tokens[:1]) for node in nodes]
        changes += [exchange(frozen, lens, main.held, main.tokens[:1], [one]) for one in partners]
        foreseen = forecast(frozen, changes, chain.answer, chain.alternatives)
        if partners:
            test = swap_concepts(
                frozen, lens, main, partners, chain.answer, chain.alternatives, controls=CONTROLS
            )
            measured += [-swap.removed for swap in test.swaps]
            self.counts["swapped"] += 1
            self.counts["changed"] += any(swap.changed for swap in test.swaps)
            self.counts["installed"] += any(swap.installed for swap in test.swaps)
            says = [subject.token_texts([swap.partner, swap.says]) for swap in test.swaps]
            self.said = ", ".join(f"{a}:{b}" for a, b in says)
        self.effects += [
            {"predicted": one.curved, "measured": m} for one, m in zip(foreseen, measured, strict=True)
        ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--held-apart", action="store_true")
    asked = parser.parse_args()
    cache = Settings().cache_folder
    subject = load("embedded", cache=cache)
    lens, words = lens_for(subject, cache), nameable_words(subject)
    assert lens is not None
    tally = Tally()
    for text in chosen(asked.held_apart, asked.each, asked.skip):
        before = time.process_time()
        frozen = freeze(subject, subject.encode(text["text"], 100))
        answer = int(frozen.logits.argmax())
        nodes = find_concepts(frozen, lens, words, answer=answer)
        chain = follow(frozen, lens, nodes, answer, find_alternatives(frozen, answer), words)
        path = [chain.tested[i].node for i in chain.path]
        near = [] if chain.also is None else [chain.tested[chain.also].node]
        spent = time.process_time() - before
        one, two = (is_named(subject, some, text["middle"]) for some in (path, path + near))
        found = is_named(subject, list(nodes), text["middle"])
        tally.counts.update(texts=1, found=found, chain=bool(path), path=one, path_and_brackets=two)
        tally.add_changes(frozen, lens, words, chain)
        mark = "path" if one else "beside" if two else "found" if found else "--"
        names = [f"{node.name}@{frozen.tokens[node.position].strip()}" for node in path]
        print(f"{mark:7}{text['text']} | {text['middle']} | {names} {[n.name for n in near]}", end=" | ")
        print(f"{tally.said} | {spent:.1f} s", flush=True)
    print(dict(tally.counts))
    print(measure_agreement(tally.effects))


if __name__ == "__main__":
    main()
