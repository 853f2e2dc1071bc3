"""A model is traced on a few tokens before it is used: what is replayed must be what the model computes.

Guards against a family that fits by its names but is wired in another way. Once a load, in about 0.1 s.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import (
    Frozen,
    Targets,
    Units,
    direct_rows,
    freeze,
    logit_difference,
    neuron_sources,
    neuron_targets,
)
from tracer.errors import ModelError, UnsupportedFamily
from tracer.interventions import full_logits, scale
from tracer.models import EMBEDDED, Model, first_line, load as load_unchecked
from tracer.transcoders import (
    Transcoders,
    active_features,
    feature_sources,
    text_ids,
    zero_positions_of,
)

TOKENS, MANY = 4, 24
ENGLISH, LONGEST = "The town lies by the river, and most of those who live there work in the old mill.", 64
CLOSE = 2e-3  # of float32: a hundred times what sums of this length are off by


def load(
    model: str = EMBEDDED,
    *,
    cache: Path,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    threads: int | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Model:
    """Load a model as `tracer.models` does, and check that it is traced rightly.

    Raises ModelError when it cannot be found, read or computed with, UnsupportedFamily when it cannot be
    traced.
    """
    subject = load_unchecked(
        model, cache=cache, dtype=dtype, device=device, threads=threads, progress=progress
    )
    check_traced(subject)
    return subject


class Checked(NamedTuple):
    """How far a model's rows and its replay were off, as shares; both are rounding."""

    rows: float
    replay: float


@torch.no_grad()
def check_traced(subject: Model) -> Checked:
    """Refuse a model whose graph would be wrong.

    On a text of a few tokens, the rows of neurons of every layer and of a logit difference must add up to
    their targets' values, and the frozen model run again must give the model's own logits. Raises
    ModelError where it gives no numbers, UnsupportedFamily where either is off by more than rounding.
    """
    try:
        frozen = freeze(subject, _some_tokens(subject))
    except (RuntimeError, AttributeError, IndexError, TypeError, ValueError) as exc:
        raise UnsupportedFamily(
            f"The model {subject.name!r} is of the family {subject.family.name} by its name, but it cannot "
            f"be run as one: {first_line(exc)}"
        ) from exc
    if not torch.isfinite(frozen.logits).all():
        raise ModelError(
            f"The model {subject.name!r} answers with values that are no numbers (NaN or infinite): its "
            "weights are damaged, or too large for float32."
        )
    close = max(CLOSE, 50 * torch.finfo(frozen.logits.dtype).eps)
    found = Checked(_rows_off(frozen), _replay_off(frozen))
    if not max(found) < close:
        what = (
            "its rows do not add up"
            if not found.rows < close
            else "a replay gives other logits than the model"
        )
        raise UnsupportedFamily(
            f"The model {subject.name!r} is of the family {subject.family.name} by its name but not by its "
            f"wiring: on a short text {what} (off by {100 * max(found):.0f} %). Its graph would be "
            "wrong, so it is not traced."
        )
    return found


@torch.no_grad()
def explained_by_set(subject: Model, transcoders: Transcoders) -> float:
    """The share of what the MLPs write on a short text that a set of transcoders rebuilds.

    The text is English, or any tokens where the tokeniser knows no English. 1 is all of it; a set of another
    model or read at another place is near 0 or far below.
    """
    english = subject.tokenizer(ENGLISH).input_ids
    ids = text_ids(subject, ENGLISH, LONGEST) if len(set(english)) > TOKENS else _some_tokens(subject, MANY)
    frozen = freeze(subject, ids)
    first = zero_positions_of(subject, ids)
    sources = feature_sources(frozen, transcoders, active_features(frozen, transcoders, first))
    left = torch.stack(sources.errors)[:, first:]
    written = torch.stack([layer.written for layer in frozen.layers])[:, first:]
    whole = (written - written.mean(1, keepdim=True)).pow(2).sum()
    return float(1 - left.pow(2).sum() / whole.clamp_min(1e-30))


def _some_tokens(subject: Model, some: int = TOKENS) -> Tensor:
    """Ids from all over the vocabulary, behind a begin token where there is one."""
    count = len(subject.unembedding)
    ids = torch.arange(1, some + 1) * max(1, count // (some + 2)) % count
    bos = subject.tokenizer.bos_token_id
    if bos is not None and 0 <= bos < count:
        ids[0] = bos
    return ids.to(subject.unembedding.device)


def _rows_off(frozen: Frozen) -> float:
    """How far rows are from their targets' values, as a share of the largest value of their kind."""
    answer, foil = (int(token) for token in frozen.logits.topk(2).indices)
    nothing = torch.zeros(0, dtype=torch.long, device=frozen.ids.device)
    sources = neuron_sources(frozen, Units(nothing, nothing, nothing))
    # each place by itself: a batch carries what lies before its last place, and hides what lies behind
    checked = [_strongest_neurons(frozen, place) for place in (frozen.length // 2, frozen.length - 1)]
    worst = 0.0
    for targets in (*checked, logit_difference(frozen, answer, foil)):
        rows = direct_rows(frozen, targets, sources)
        off = (rows.sum(1) - targets.value).abs() / rows.abs().sum(1).clamp_min(1e-30)
        worst = max(worst, float(off.nan_to_num(nan=float("inf")).max()))
    return worst


def _strongest_neurons(frozen: Frozen, place: int) -> Targets:
    """The strongest neuron of each layer at a place."""
    neuron = torch.stack([layer.acts[place].abs().argmax() for layer in frozen.layers])
    layer = torch.arange(len(neuron), device=neuron.device)
    return neuron_targets(frozen, layer, torch.full_like(layer, place), neuron)


def _replay_off(frozen: Frozen) -> float:
    """How far the logits of the blocks run again are from the model's own, as a share of their spread."""
    first = torch.zeros(1, dtype=torch.long, device=frozen.ids.device)
    same = scale(frozen, Units(first, first, first), 1.0)  # touches the first block: every one runs again
    replayed: Float[Tensor, " vocab"] = full_logits(frozen, same)
    spread = (frozen.logits - frozen.logits.mean()).abs().max().clamp_min(1e-30)
    return float(((replayed - frozen.logits).abs().max() / spread).nan_to_num(nan=float("inf")))
