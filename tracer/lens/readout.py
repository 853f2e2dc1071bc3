"""What the lens reads at a layer and a position: unembed(norm(J_l h_l[t])), and how far that stands out.

The final norm, the unembedding and the soft cap are the model's own. The logit lens is J = I.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen, epsilon_of
from tracer.cancellation import pulse
from tracer.lens.files import check_lens
from tracer.lens.values import Background, Lens
from tracer.models import Model, centres, gain_of, part

AT_ONCE = 16  # places read together: each is a row as long as the vocabulary
FREQUENT = 65_536  # tokens that name a concept: the first of a vocabulary are the most frequent


@dataclass(frozen=True, slots=True)
class Readout:
    """The best tokens at each layer and position.

    `nearness` is what they are ranked by (see `nearness`), or the logit in a plain readout; `score` says how
    many standard deviations over other texts the token's reading stands out, NaN without a background.
    """

    layers: tuple[int, ...]
    positions: tuple[int, ...]
    tokens: Int[Tensor, "layer pos k"]
    nearness: Float[Tensor, "layer pos k"]
    score: Float[Tensor, "layer pos k"]


class TokenRanks(NamedTuple):
    """Behind each fitted block: a token's rank among all (0: best), and the token that is read first."""

    rank: Int[Tensor, " fitted"]
    first: Int[Tensor, " fitted"]


def streams(frozen: Frozen) -> Float[Tensor, "layer pos d_model"]:
    """The stream at every block's output on this text."""
    return torch.stack([*(layer.stream for layer in frozen.layers[1:]), frozen.final_stream])


def check_fits(lens: Lens, subject: Model) -> None:
    """Raise LensError where the lens belongs to a model of another width, depth or vocabulary."""
    check_lens(
        lens,
        model=subject.name,
        d_model=subject.shape.d_model,
        n_layers=subject.layers,
        vocabulary=len(subject.unembedding),
    )


def normalised(subject: Model, stream: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
    """A final stream centred (where the norm centres) and scaled as the final norm does, without its gain."""
    norm = part(subject.model, subject.family.final_norm)
    if centres(norm):
        stream = stream - stream.mean(-1, keepdim=True)
    return stream * (stream.pow(2).mean(-1, keepdim=True) + epsilon_of(norm)).rsqrt()


@torch.no_grad()
def unembed(
    subject: Model, stream: Float[Tensor, "*batch d_model"], tokens: Sequence[int] | None = None
) -> Float[Tensor, "*batch token"]:
    """Logits of a final stream (all where no tokens are named), by the model's norm, rows, soft cap."""
    normed = part(subject.model, subject.family.final_norm)(stream.to(subject.unembedding.dtype))
    return subject.cap(subject.read_logits(normed, tokens, softcap=False).float())


@torch.no_grad()
def lens_logits(
    lens: Lens,
    subject: Model,
    layer: int,
    stream: Float[Tensor, "*batch d_model"],
    tokens: Sequence[int] | None = None,
) -> Float[Tensor, "*batch token"]:
    """The logits of these tokens (all where none are named) that the lens reads at one layer's output."""
    return unembed(subject, lens.transport(layer, stream), tokens)


@torch.no_grad()
def nearness(
    lens: Lens, subject: Model, layer: int, stream: Float[Tensor, "item d_model"]
) -> Float[Tensor, "item frequent"]:
    """Cosines of the transported, normalised stream with the rows that read frequent tokens.

    What names a concept best: rare tokens, of which a large vocabulary has many, have long rows of their own
    and fill the lists of plain logits (measured in tests/benchmarks/lens_reading.py).
    """
    moved = normalised(subject, lens.transport(layer, stream).float())
    return F.normalize(moved, dim=-1) @ _frequent_rows(subject).T


@torch.no_grad()
def read(
    lens: Lens,
    subject: Model,
    stream: Float[Tensor, "layer pos d_model"],
    *,
    layers: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    k: int = 10,
    plain: bool = False,
) -> Readout:
    """The k best tokens at layers (all fitted) and positions (all) of the streams of all layers.

    Ranked by `nearness` among frequent tokens; `plain`: by logit, in the whole vocabulary. Raises LensError
    where the lens does not fit the model.
    """
    check_fits(lens, subject)
    chosen = tuple(lens.layers if layers is None else layers)
    places = tuple(range(stream.shape[1]) if positions is None else positions)
    count = len(subject.unembedding)
    shape = (len(chosen), len(places), min(k, count if plain else min(count, FREQUENT)))
    tokens = torch.zeros(shape, dtype=torch.long)
    near, score = torch.zeros(shape), torch.full(shape, torch.nan)
    rows = None if plain else _frequent_rows(subject)
    for row, layer in enumerate(chosen):
        moved = lens.transport(layer, stream[layer, list(places)])
        for start in range(0, len(places), AT_ONCE):
            pulse()
            some = slice(start, start + AT_ONCE)
            if rows is None:
                found = unembed(subject, moved[some])
            else:
                found = F.normalize(normalised(subject, moved[some].float()), dim=-1) @ rows.T
            best = found.topk(shape[2])
            tokens[row, some], near[row, some] = best.indices.cpu(), best.values.cpu()
            if lens.background is not None:
                score[row, some] = _score(subject, lens.background, layer, moved[some], best.indices).cpu()
    return Readout(chosen, places, tokens, near, score)


@torch.no_grad()
def rank_token(lens: Lens, subject: Model, stream: Float[Tensor, "layer d_model"], token: int) -> TokenRanks:
    """A token's rank in all that is read of one position's stream, and what is read first there."""
    moved = torch.stack([lens.transport(layer, stream[layer]) for layer in sorted(lens.layers)])
    read = [unembed(subject, some) for some in moved.split(AT_ONCE)]  # the whole vocabulary is gone through
    ranks = torch.cat([(logits > logits[:, token, None]).sum(-1) for logits in read])
    return TokenRanks(ranks, torch.cat([logits.argmax(-1) for logits in read]))


@torch.no_grad()
def stands_out(
    lens: Lens,
    subject: Model,
    layer: int,
    stream: Float[Tensor, "item d_model"],
    tokens: Int[Tensor, "item k"],
) -> Float[Tensor, "item k"]:
    """How many standard deviations each token's reading lies above what is read there for other texts.

    NaN where the lens has no background. Before the soft cap.
    """
    if lens.background is None:
        return torch.full(tokens.shape, torch.nan)
    return _score(subject, lens.background, layer, lens.transport(layer, stream), tokens)


def _frequent_rows(subject: Model) -> Float[Tensor, "frequent d_model"]:
    """Unit rows that read frequent tokens, through the final norm's gain."""
    gain = gain_of(part(subject.model, subject.family.final_norm), subject.family).float()
    return F.normalize(subject.unembedding[:FREQUENT].float() * gain, dim=-1)


def _score(
    subject: Model, background: Background, layer: int, moved: Tensor, tokens: Tensor
) -> Float[Tensor, "item k"]:
    gain = gain_of(part(subject.model, subject.family.final_norm), subject.family).float()
    rows = subject.unembedding[tokens].float() * gain  # item k d_model
    mean = background.mean[layer].to(rows)
    above = torch.einsum("ikd,id->ik", rows, normalised(subject, moved.float()) - mean)
    along = rows @ background.factor[layer].to(rows).T
    variance = along.pow(2).sum(-1) + (rows.pow(2) @ background.rest[layer].to(rows))
    return above / variance.sqrt().clamp_min(1e-12)
