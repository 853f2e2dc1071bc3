"""How well the concept lens reads a concept that is known to be there, beside the logit lens, by layer.

Two-hop texts made from a table of cities: the country is asked for by no word of the text, but the answer
needs it. Kept are cities whose country the model says (with a probability of --sure) when asked for it
straight, and whose name does not hold it; at most FEW a country, in a random order that is always the same.
Read is the city's last token.

`python -m tests.benchmarks.lens_reading CITIES.json [--lens FILE] [--texts N]` prints, for each layer, the
share of texts where the country is the best, and among the five best, concepts there: tokens of one family
count once, and the word that stands there does not count; by cosine among frequent tokens, as the product
reads. A second figure is the plain readout: by logit, every token of the whole vocabulary counts.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs
import torch

from tracer.attribution.frozen_forward import recorded_inputs
from tracer.lens import Lens, concept_of, lens_for, lens_logits, nearness, read_lens, surface
from tracer.lens.readout import check_fits
from tracer.models.model import Model, load

FEW = 5
ASKED = "{} is a city in the country of"
TEMPLATES = (
    "The language spoken in the country where {} is located is",
    "The official language of the country that contains {} is",
    "The currency used in the country where {} lies is the",
    "The capital of the country in which {} is located is",
    "The continent on which the country of the city {} lies is",
    "People who grow up in {} usually speak",
)
LOOKED_THROUGH = 200  # tokens among which the country is looked for


class Case(NamedTuple):
    """One text, where the city ends in it, and what should be read there."""

    text: str
    city: str
    country: str
    wanted: tuple[int, ...]  # the country's tokens
    stream: torch.Tensor  # layer d_model


def cases(subject: Model, cities: dict[str, Any], count: int, sure: float) -> Iterator[Case]:
    """Texts whose middle concept the model knows."""
    names = sorted(cities)
    random.Random(0).shuffle(names)
    seen: Counter[str] = Counter()
    for name in names:
        country = cities[name]["Country"]
        if seen[country] >= FEW or name in country or country in name:
            continue
        said = subject.top(subject.logits(subject.encode(ASKED.format(name), 64)), 1)[0]
        if said.token_id != subject.pieces(f" {country}")[0] or said.p < sure:
            continue
        template = TEMPLATES[sum(seen.values()) % len(TEMPLATES)]
        text = template.format(name)
        position = len(subject.encode(template.split("{}")[0] + name, 64)) - 1
        seen[country] += 1
        wanted = concept_of(subject, country).tokens
        yield Case(text, name, country, wanted, _stream(subject, text)[:, position])
        if sum(seen.values()) == count:
            return


@torch.no_grad()
def _stream(subject: Model, text: str) -> torch.Tensor:
    from tracer.models.families import part

    sites = {str(index): block for index, block in enumerate(subject.blocks)}
    sites["final"] = part(subject.model, subject.family.final_norm)
    with recorded_inputs(sites) as calls:
        subject.logits(subject.encode(text, 64))
    order = [*(str(index) for index in range(1, subject.layers)), "final"]
    return torch.stack([next(iter(calls[name].values()))[0] for name in order])


def places(subject: Model, logits: torch.Tensor, found: list[Case]) -> tuple[list[int], list[int]]:
    """For each case, the country's place among concepts and among tokens (0: best)."""
    concepts, tokens = [], []
    for row, case in zip(logits, found, strict=True):
        best = row.topk(LOOKED_THROUGH).indices.tolist()
        wanted = set(case.wanted)
        city, above = surface(case.city), dict[str, None]()
        place = next((i for i, token in enumerate(best) if token in wanted), LOOKED_THROUGH)
        for text in map(surface, subject.token_texts(best[:place])):
            standing = len(text) > 2 and (city.startswith(text) or text.startswith(city))
            if text and not standing and not any(_kin(text, other) for other in above):
                above[text] = None
        concepts.append(len(above) if place < LOOKED_THROUGH else LOOKED_THROUGH)
        tokens.append(place)
    return concepts, tokens


def _kin(one: str, other: str) -> bool:
    return one[:4] == other[:4] and min(len(one), len(other)) >= 4


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cities", type=Path)
    parser.add_argument("--lens", type=Path)
    parser.add_argument("--texts", type=int, default=120)
    parser.add_argument("--sure", type=float, default=0.5, help="probability of the country, asked straight")
    parser.add_argument("--model", default="embedded")
    given = parser.parse_args()
    cache = platformdirs.user_cache_path("askcircuit", appauthor=False)
    subject = load(given.model, cache=cache)
    lens = read_lens(given.lens) if given.lens else lens_for(subject, cache)
    assert lens is not None, "this model has no lens"
    check_fits(lens, subject)
    found = list(cases(subject, json.loads(given.cities.read_text()), given.texts, given.sure))
    print(f"{len(found)} texts, {len({case.country for case in found})} countries; lens: {lens.about}")
    plain = Lens({n: torch.eye(lens.about.d_model) for n in lens.layers}, lens.about)
    for name, one in (("concept lens", lens), ("logit lens", plain)):
        report(subject, name, one, found)


def report(subject: Model, name: str, lens: Lens, found: list[Case]) -> None:
    """One lens: shares by layer, and at the best layer of the middle half."""
    count, rows = subject.layers, []
    for layer in lens.layers[:-1]:
        stream = torch.stack([case.stream[layer] for case in found])
        concepts_at, _ = places(subject, nearness(lens, subject, layer, stream), found)
        _, tokens_at = places(subject, lens_logits(lens, subject, layer, stream), found)
        rows.append((concepts_at, tokens_at))
        concepts = torch.tensor(rows[-1][0])
        print(
            f"{name} layer {layer:2d}: best {float((concepts < 1).float().mean()):4.0%}, "
            f"among five {float((concepts < 5).float().mean()):4.0%}, "
            f"plain among five {float((torch.tensor(rows[-1][1]) < 5).float().mean()):4.0%}",
            flush=True,
        )
    middle = slice(count // 4, count - count // 4)
    for what, index in (("concepts", 0), ("plain", 1)):
        every = torch.tensor([row[index] for row in rows])[middle]
        single, each = every.lt(5).float().mean(1).max(), every.min(0).values
        print(
            f"{name}, {what}, middle half: among five {float(single):.1%} in the one best layer, "
            f"{float((each < 5).float().mean()):.1%} in each text's best layer "
            f"(best of all {float((each < 1).float().mean()):.1%})",
            flush=True,
        )


if __name__ == "__main__":
    main()
