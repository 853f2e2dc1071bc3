"""How often exchanging the middle concept changes the answer and installs the other entity's.

    python -m tests.benchmarks.concept_swaps LENS.safetensors [--each 4] [--held-apart]

On texts of concept_texts.json (those the embedded model completes rightly; half of them is held apart).
"""

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from agent.core.settings import Settings
from tracer import load
from tracer.attribution.frozen_forward import freeze
from tracer.concepts import Held, ablate, exchange, exchange_controls, measure
from tracer.lens import read_lens

LAYERS = (2, 7)
PARTNERS, CONTROLS = 2, 3
ONE_HOP = ("country_city", "country_land", "country_pers", "sport")


def chosen(data: dict[str, Any], held_apart: bool, each: int) -> list[tuple[dict[str, Any], list[str]]]:
    """So many texts of each shape, with partners whose answer differs, always the same."""
    dice, by_shape = random.Random(0), defaultdict(list)
    for text in data["texts"]:
        if text["held_apart"] == held_apart:
            by_shape[text["shape"]].append(text)
    out = []
    for shape, texts in by_shape.items():
        dice.shuffle(texts)
        for text in texts[:each]:
            others = {
                t["middle"] for t in data["texts"] if t["shape"] == shape and t["answer"] != text["answer"]
            }
            out.append((text, dice.sample(sorted(others), min(PARTNERS, len(others)))))
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lens")
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--held-apart", action="store_true")
    asked = parser.parse_args()
    data = json.loads((Path(__file__).parent / "concept_texts.json").read_text())
    subject, lens = load("embedded", cache=Settings().cache_folder), read_lens(asked.lens)
    tally: dict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for text, partners in chosen(data, asked.held_apart, asked.each):
        kinds = {
            name: subject.pieces(f" {word}")[0] for name, word in data["candidates"][text["shape"]].items()
        }
        frozen = freeze(subject, subject.encode(text["text"], 100))
        answer, own = subject.pieces(f" {text['answer']}")[0], subject.pieces(f" {text['middle']}")[0]
        held, changes, what = Held((text["positions"][-1],), *LAYERS), [], []
        for partner in partners:
            other = subject.pieces(f" {partner}")[0]
            drawn = exchange_controls(frozen, lens, held, (own, other), away_from=[answer], count=CONTROLS)
            changes += [exchange(frozen, lens, held, [own], [other]), *drawn.changes]
            what += [("swap", kinds[partner]), *(("control", kinds[partner]) for _ in drawn.changes)]
        changes.append(ablate(frozen, lens, held, [own]))
        what.append(("ablation", -1))
        hop = "one hop" if text["shape"] in ONE_HOP else "two hops"
        for (kind, wanted), row in zip(what, measure(frozen, changes).logits, strict=True):
            first = max(set(kinds.values()), key=lambda token: float(row[token]))
            tally[kind, hop].append((int(row.argmax()) != answer, first == wanted))
    for (kind, hop), rows in sorted(tally.items()):
        changed, installed = (100 * sum(column) / len(rows) for column in zip(*rows, strict=True))
        print(
            f"{kind:9} {hop:9} {len(rows):4}  changed {changed:3.0f} %  first of its kind {installed:3.0f} %"
        )


if __name__ == "__main__":
    main()
