"""Text sampled from the subject itself: what it writes after nothing but its begin-of-sequence token."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from tracer.errors import TextError
from tracer.subject import Subject

BATCH = 128
LENGTH = 128  # tokens a text
CANDIDATES = 100  # next tokens are drawn among the likeliest; more cost more than they bring


@torch.inference_mode()
def sampled(
    subject: Subject, tokens: int, seed: int = 0, progress: Callable[[float], None] = lambda _done: None
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


def _batch(subject: Subject, bos: int, dice: torch.Generator) -> Int[Tensor, "batch pos"]:
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
