"""What a feature does, read off the weights and this text: tokens it promotes, tokens it fires on, its role.

Knows no language model but the subject and no stored labels. Promoted tokens are the logit lens through the
final norm's gain (nostalgebraist 2020): only a hint of what an early feature does, and said so by its role.
"""

from collections.abc import Sequence
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution.frozen_text import Frozen
from tracer.attribution.neurons import Units, activations
from tracer.cancellation import pulse


class Role(StrEnum):
    """Input features fire on a word of the text, say features promote what comes next, middle is the rest."""

    INPUT = "input"
    SAY = "say"
    MIDDLE = "middle"


FREQUENT = 65_536  # tokens a label may name: the first of a BPE vocabulary are the most frequent
LIKELY = 100  # next tokens among which a feature is said to raise one here
FIRES = 0.5  # share of its largest activation here at which a feature counts as firing
SELECTIVE = 0.34  # an input feature fires on at most this share of the positions


def write_directions(frozen: Frozen, units: Units) -> Float[Tensor, "unit d_model"]:
    """What each unit adds to the stream on this text, sign and size included."""
    return write_rows(frozen, units) * activations(frozen, units)[:, None]


def write_rows(frozen: Frozen, units: Units) -> Float[Tensor, "unit d_model"]:
    """What each unit would add to the stream with an activation of one."""
    out = frozen.embedded.new_zeros(len(units), frozen.embedded.shape[1])
    for index in units.layer.unique().tolist():
        layer, at = frozen.layers[index], units.layer == index
        own = layer.weights.down.T[units.neuron[at]]
        out[at] = own if layer.post_gain is None else own * layer.post_gain[units.position[at]]
    return out


@torch.no_grad()
def promoted_tokens(frozen: Frozen, directions: Float[Tensor, "item d_model"], k: int) -> list[list[str]]:
    """The k tokens whose unembedding lies nearest, by cosine, to what each direction ends up as.

    Taken over the tokeniser's first tokens, which are its most frequent ones: rare tokens have odd
    unembeddings and would fill every list. Depends on the weights only.
    """
    frequent = frozen.subject.unembedding[:FREQUENT]
    middle = frequent.mean(0)
    length = (frequent - middle).norm(dim=1).clamp_min(1e-30)  # a token may be no more than the mean
    out = []
    for start in range(0, len(directions), 128):
        pulse()
        read = _read(frozen, directions[start : start + 128])
        nearness = (read @ frequent.T - (read @ middle)[:, None]) / length
        best = nearness.topk(min(3 * k, len(frequent))).indices.tolist()
        out += [_words(frozen.subject.token_texts(row), k) for row in best]
    return out


@torch.no_grad()
def raised_tokens(
    frozen: Frozen, directions: Float[Tensor, "item d_model"], k: int
) -> tuple[list[list[str]], list[list[str]]]:
    """Of the likeliest next tokens here, the k each direction raises most and the k it lowers most."""
    likely = frozen.logits.topk(min(LIKELY, len(frozen.logits))).indices
    unembed = frozen.subject.unembedding[likely]
    logits = _read(frozen, directions) @ (unembed - unembed.mean(0)).T
    texts, k = frozen.subject.token_texts(likely.tolist()), min(k, len(likely))
    up = [[texts[i] for i in row] for row in logits.topk(k).indices.tolist()]
    down = [[texts[i] for i in row] for row in (-logits).topk(k).indices.tolist()]
    return up, down


def _read(frozen: Frozen, directions: Float[Tensor, "item d_model"]) -> Float[Tensor, "item d_model"]:
    norm = frozen.final_norm
    centred = directions - directions.mean(-1, keepdim=True) if norm.center else directions
    return centred * norm.gain


def _words(texts: list[str], k: int) -> list[str]:
    """The first k that hold a letter or digit, once each whatever their case and spaces."""
    seen: dict[str, str] = {}
    for text in texts:
        if any(c.isalnum() for c in text) and "\ufffd" not in text:
            seen.setdefault(text.strip().casefold(), text)
    return list(seen.values())[:k]


def find_firing(frozen: Frozen, units: Units) -> list[list[int]]:
    """Where each feature (a neuron with its sign here) fires on this text, strongest first."""
    acts = activations(frozen, units)
    out = []
    for index in range(len(units)):
        layer = frozen.layers[int(units.layer[index])]
        own = layer.acts[:, int(units.neuron[index])] * acts[index].sign()
        order = own.argsort(descending=True, stable=True)
        limit = FIRES * float(own.max())
        out.append([int(p) for p in order if own[p] >= limit and own[p] > 0])
    return out


def find_role(
    layers: int,
    length: int,
    layer: int,
    position: int,
    fires: Sequence[int],
    direct: float,
    total: float,
) -> Role:
    """Say: late and mostly straight to the target. Input: early and selective for its own position."""
    if layer >= layers // 2 and position == length - 1 and abs(direct) >= 0.5 * abs(total):
        return Role.SAY
    selective = len(fires) <= max(1, int(SELECTIVE * length))
    if layer < layers // 2 and selective and position in fires:
        return Role.INPUT
    return Role.MIDDLE
