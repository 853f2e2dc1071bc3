"""Does every measured effect come out again with other code? Plain transformers and hooks; nothing of ours.

    python -m tests.benchmarks.recheck MODEL_FOLDER BUNDLE_OR_RESULTS_FOLDER ... [--tolerance 0.001]

Reads bundles as the JSON they are, sets the named neurons on the model by a hook on each down projection, and
compares logit(answer) - logit(foil) with what the bundle says, for the effect and for each dose. Exit code 1
when one differs by more than the tolerance, relative (or 0.001 logits, whichever is larger).
"""

import argparse
import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

UNIT = re.compile(r"L(\d+)\.N(\d+)[+-]@(\d+)")
DOWN = ("mlp.down_proj", "mlp.c_proj", "mlp.dense_4h_to_h")  # what the families call it
LEAST = 0.001  # logits

Values = dict[int, list[tuple[int, int, float]]]  # layer -> position, neuron, value


def bundles(paths: list[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every bundle in files and folders."""
    for path in paths:
        found = sorted(path.rglob("bundles/*.json*")) if path.is_dir() else [path]
        for file in found:
            data = file.read_bytes()
            yield file, json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


class Model:
    """A decoder, its down projections, and what one text does in it."""

    def __init__(self, folder: str) -> None:
        """Load it in float32."""
        self.net: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        named = [(name, module) for name, module in self.net.named_modules() if name.endswith(DOWN)]
        self.downs = [module for _, module in named]

    @torch.no_grad()
    def run(self, text: str, values: Values) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
        """Next-token logits with these values set, and every layer's inputs of the down projection."""
        seen: dict[int, torch.Tensor] = {}
        handles = []
        for layer, down in enumerate(self.downs):

            def hook(_module: Any, args: Any, layer: int = layer) -> tuple[torch.Tensor]:
                acts = args[0].clone()
                for position, neuron, value in values.get(layer, []):
                    acts[0, position, neuron] = value
                seen[layer] = acts[0]
                return (acts,)

            handles.append(down.register_forward_pre_hook(hook))
        ids = self.tokenizer(text, return_tensors="pt").input_ids
        logits = self.net(ids, use_cache=False).logits[0, -1].double()
        for handle in handles:
            handle.remove()
        return logits, seen


def values_of(claim: dict[str, Any], factor: float, clean: Any, donor: Any) -> Values:
    """What an intervention sets: factor times what a neuron was, or what it is in the donor's text."""
    out: Values = defaultdict(list)
    how = claim["intervention"]
    shift = dict(map(tuple, how["donor"]["pairs"])) if donor is not None else {}
    for name in claim["members"]:
        layer, neuron, position = map(int, UNIT.fullmatch(name).groups())  # type: ignore[union-attr]
        if donor is not None:
            value = float(donor[layer][shift.get(position, position), neuron])
        else:
            value = factor * float(clean[layer][position, neuron])
        out[layer].append((position, neuron, value))
    return out


def checks(model: Model, bundle: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """(what, as the bundle has it, as it comes out here) of each effect and dose."""
    case = bundle["kept"]["case"]
    text, answer = case["text"], case["answer_id"]
    logits, clean = model.run(text, {})
    for claim in bundle["kept"]["claims"]:
        how = claim["intervention"]
        if claim["measured"] is None or how is None or not all(map(UNIT.fullmatch, claim["members"])):
            continue
        swap = how.get("donor")
        foil = swap["foil_id"] if swap else case["foil_id"]
        donor = model.run(swap["text"], {})[1] if swap else None
        before = logits[answer] - logits[foil]
        told = {"": (how["factor"], claim["measured"])}
        told |= {f" at dose {dose}": (float(dose), d) for dose, d in (claim["doses"] or {}).items()}
        for name, (factor, measured) in told.items():
            after, _ = model.run(text, values_of(claim, factor, clean, donor))
            yield f"{claim['id']}{name}", measured, float(after[answer] - after[foil] - before)


def main() -> int:
    """Check all bundles, print the worst of each and what differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    args = parser.parse_args()
    model = Model(args.model)
    total = wrong = 0
    for path, bundle in bundles(args.paths):
        worst = 0.0
        for name, told, found in checks(model, bundle):
            total += 1
            gap = abs(told - found)
            worst = max(worst, gap / max(abs(told), LEAST / args.tolerance))
            if gap > max(args.tolerance * abs(told), LEAST):
                wrong += 1
                print(f"{path.name} {name}: {told:+.6f} in the bundle, {found:+.6f} here")
        print(f"{path.name}: largest relative difference {worst:.1e}", flush=True)
    print(f"{total} effects run again, {wrong} differ by more than {args.tolerance:g}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
