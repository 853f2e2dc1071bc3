"""Text sampled from the subject itself: what it writes after nothing but its begin-of-sequence token."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import torch
from jaxtyping import Int
from torch import Tensor

from tracer.autointerp.windows import scrub
from tracer.errors import TextError
from tracer.models import EMBEDDED, Model, load, quickest_dtype

BATCH = 128
LENGTH = 128  # tokens a text
TOKENS = 32_000  # in the recipe's corpus
CANDIDATES = 100  # next tokens are drawn among the likeliest; more cost more than they bring


def write_sampled(folder: Path, subject: Model | None = None, tokens: int = TOKENS) -> int:
    """Write self.jsonl, whole or not at all, where it is not there yet; characters in it."""
    path = folder / "self.jsonl"
    if not path.exists():
        cache = platformdirs.user_cache_path("askcircuit", appauthor=False)
        subject = subject or load(EMBEDDED, cache=cache, dtype=quickest_dtype())
        rows = [{"text": scrub(text), "source": "self"} for text in sample_texts(subject, tokens)]
        part = path.with_suffix(".part")
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        part.replace(path)
    return sum(len(json.loads(line)["text"]) for line in path.read_text(encoding="utf-8").split("\n") if line)


@torch.inference_mode()
def sample_texts(
    subject: Model, tokens: int, seed: int = 0, progress: Callable[[float], None] = lambda _done: None
) -> Iterator[str]:
    """Texts of about `tokens` tokens in all, the same for the same seed; raises TextError without a <bos>."""
    bos = subject.tokenizer.bos_token_id
    if bos is None:
        raise TextError("This model has no begin-of-sequence token to start a text from.")
    dice = torch.Generator().manual_seed(seed)
    written = 0
    while written < tokens:
        for row in _batch(subject, int(bos), dice):
            ends = (row == subject.tokenizer.eos_token_id).nonzero()
            row = row[: int(ends[0])] if len(ends) else row
            written += len(row)
            yield str(subject.tokenizer.decode(row.tolist()))
        progress(min(1.0, written / tokens))


def _batch(subject: Model, bos: int, dice: torch.Generator) -> Int[Tensor, "batch pos"]:
    ids = torch.full((BATCH, 1), bos)
    past, rows = None, []
    for _ in range(LENGTH):
        out = subject.model(ids, use_cache=True, past_key_values=past, logits_to_keep=1)
        past = out.past_key_values
        top = out.logits[:, -1].float().topk(CANDIDATES)
        drawn = torch.multinomial(top.values.softmax(-1), 1, generator=dice)
        ids = top.indices.gather(1, drawn)
        rows.append(ids)
    return torch.cat(rows, 1)
