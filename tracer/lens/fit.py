"""Fit a lens on texts: exactly, by backward passes, or quickly, from each block's means; resumable.

Two running sums are kept, for every other text each, so that a lens says how well its halves agree.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tracer.attribution import Frozen, find_sinks, freeze
from tracer.autointerp import Document, scrub
from tracer.cancellation import pulse
from tracer.errors import TextError
from tracer.lens.errors import LensError
from tracer.lens.exact import counted_positions, text_jacobian
from tracer.lens.local import LocalMeans, local_jacobian
from tracer.lens.readout import normalised, streams
from tracer.lens.values import About, Background, Lens
from tracer.models import Model

LENGTH = 128  # tokens a text
SHORTEST = 32  # from which a text is long enough
LATER = 60  # texts read at most for the background
COMPARED = 128  # tokens whose directions tell how well two halves agree
KEPT = 64  # leading directions of the background's covariance
PLACES = 16  # of a text that the background is made from
STATE = "lens.fit.safetensors"

Progress = Callable[[float, str], None]


def _silent(_done: float, _note: str) -> None:
    """Report to nobody."""


@dataclass
class Sums:
    """Running sums over texts, for the even and the odd ones apart."""

    jacobian: Float[Tensor, "half layer d_model d_model"]
    texts: list[int]
    positions: int = 0

    def mean(self, half: int) -> Float[Tensor, "layer d_model d_model"]:
        """The lens of one half of the texts."""
        return self.jacobian[half] / max(1, self.texts[half])

    def whole(self) -> Float[Tensor, "layer d_model d_model"]:
        """The lens of all texts."""
        return self.jacobian.sum(0) / max(1, sum(self.texts))


def texts_of(subject: Model, documents: Iterable[Document], count: int) -> list[Int[Tensor, " pos"]]:
    """The first LENGTH tokens of `count` documents drawn at random (always the same), spread over sources.

    Fewer tokens of a model that reads fewer at once. Raises TextError where no document is long enough, or
    the model reads less than SHORTEST.
    """
    length = min(LENGTH, int(getattr(subject.model.config, "max_position_embeddings", None) or LENGTH))
    if length < SHORTEST:
        raise TextError(
            f"It reads {length} tokens at once, and a lens is fitted on texts of {SHORTEST} at least."
        )
    by_source: dict[str, list[str]] = {}
    for document in documents:
        by_source.setdefault(document.source, []).append(document.text)
    dice = random.Random(0)
    for texts in by_source.values():
        dice.shuffle(texts)
    found: list[Tensor] = []
    for text in islice(_in_turn(list(by_source.values())), 20 * count):
        ids = subject.tokenizer(
            scrub(text), return_tensors="pt", truncation=True, max_length=length
        ).input_ids[0]
        if len(ids) >= length:
            found.append(ids[:length].to(subject.unembedding.device))
        if len(found) == count:
            break
    if not found:
        raise TextError(f"No document of the corpus has {length} tokens; give longer texts to fit a lens on.")
    return found


def fit_lens(
    subject: Model,
    documents: Iterable[Document],
    *,
    tokens: int,
    work: Path | None = None,
    corpus: str = "",
    progress: Progress = _silent,
) -> Lens:
    """The exact lens: `tokens` tokens of texts, one backward pass an output dimension and text.

    With `work`, the sums lie there after every text and a stopped fit goes on. Raises TextError where the
    corpus has no text long enough, LensError where `work` holds a fit of another model.
    """
    texts = texts_of(subject, documents, max(2, tokens // LENGTH))
    sums = _taken_up(subject, work) or _no_sums(subject)
    rows = torch.eye(subject.shape.d_model).to(subject.unembedding)
    for number in range(sum(sums.texts), len(texts)):
        frozen = freeze(subject, texts[number])
        positions = _positions(frozen)
        half = number % 2
        progress(number / len(texts), f"text {number + 1:,} of {len(texts):,}")
        sums.jacobian[half] += text_jacobian(subject, frozen.ids, rows, positions).float().cpu()
        sums.texts[half] += 1
        sums.positions += len(positions)
        if work is not None:
            _keep(sums, subject, work)
    lens = _lens_of(subject, sums, "exact", corpus)
    return with_background(lens, subject, texts[:LATER], progress)


def quick_fit(
    subject: Model,
    documents: Iterable[Document],
    *,
    texts: int = 64,
    corpus: str = "",
    progress: Progress = _silent,
) -> Lens:
    """A lens from the means of each block alone: one forward pass a text (`tracer.lens.local`)."""
    chosen = texts_of(subject, documents, max(2, texts))
    halves = [LocalMeans.of(subject), LocalMeans.of(subject)]
    positions, kept = 0, []
    for number, ids in enumerate(chosen):
        progress(0.8 * number / len(chosen), f"text {number + 1:,} of {len(chosen):,}")
        frozen = freeze(subject, ids)
        counted = _positions(frozen)
        halves[number % 2].add(frozen, counted)
        positions += len(counted)
        kept.append(_some_places(streams(frozen), counted))
    progress(0.8, "layers")
    rows = torch.eye(subject.shape.d_model).to(subject.unembedding)
    found = local_jacobian(subject, halves[0].plus(halves[1]), rows).float().cpu()
    lens = _lens(subject, found, len(chosen), positions, "means of each block", corpus)
    some = _compared(subject).to(subject.unembedding)
    one, other = (local_jacobian(subject, half, some) for half in halves)
    agreed = F.cosine_similarity(one, other, dim=-1).mean()
    lens = replace(lens, about=replace(lens.about, agreement=float(agreed)))
    progress(0.9, "background")
    return replace(lens, background=background_of(lens, subject, torch.cat(kept, 1)))


@torch.no_grad()
def with_background(
    lens: Lens, subject: Model, texts: list[Int[Tensor, " pos"]], progress: Progress = _silent
) -> Lens:
    """The lens, and what it reads at other texts."""
    kept = []
    for number, ids in enumerate(texts):
        progress(0.7 + 0.3 * number / len(texts), "background")
        frozen = freeze(subject, ids)
        kept.append(_some_places(streams(frozen), _positions(frozen)))
    return replace(lens, background=background_of(lens, subject, torch.cat(kept, 1)))


def _some_places(
    stream: Float[Tensor, "layer pos d_model"], positions: Int[Tensor, " some"]
) -> Float[Tensor, "layer few d_model"]:
    """Every few of the positions that count, PLACES of a text at most: neighbours say nearly the same."""
    step = -(-len(positions) // PLACES)
    return stream[:, positions[::step]].float().cpu()


@torch.no_grad()
def background_of(lens: Lens, subject: Model, seen: Float[Tensor, "layer place d_model"]) -> Background:
    """Moments of normalised, transported streams: mean, leading directions, the rest number by number."""
    device, kept = subject.unembedding.device, min(KEPT, *seen.shape[1:])
    means, factors, rests = [], [], []
    for layer in range(subject.layers):
        pulse()
        if layer not in lens.layers:
            means.append(torch.zeros(seen.shape[2]))
            factors.append(torch.zeros(kept, seen.shape[2]))
            rests.append(torch.zeros(seen.shape[2]))
            continue
        read = normalised(subject, lens.transport(layer, seen[layer].to(device))).float().cpu()
        mean = read.mean(0)
        away = (read - mean) / len(read) ** 0.5
        _, vectors = torch.linalg.eigh(away @ away.T)  # of as many as there are places: fewer than wide
        lead = vectors[:, -kept:].T @ away  # values ** 0.5 times unit directions
        means.append(mean)
        factors.append(lead)
        rests.append((away.pow(2).sum(0) - lead.pow(2).sum(0)).clamp_min(0))
    return Background(torch.stack(means), torch.stack(factors), torch.stack(rests))


def agreement(
    subject: Model,
    one: Float[Tensor, "layer d_model d_model"],
    other: Float[Tensor, "layer d_model d_model"],
) -> float:
    """Mean cosine of tokens' directions in two lenses, over layers and COMPARED frequent tokens."""
    rows = _compared(subject).cpu()
    return float(F.cosine_similarity(rows @ one, rows @ other, dim=-1).mean())


def _compared(subject: Model) -> Float[Tensor, "token d_model"]:
    """What reads COMPARED frequent tokens, less what they have in common."""
    from tracer.lens.directions import output_rows

    dice = torch.Generator().manual_seed(0)
    vocabulary = min(65_536, len(subject.unembedding))
    rows = output_rows(subject, torch.randperm(vocabulary, generator=dice)[:COMPARED].tolist())
    return rows - rows.mean(0)


def _positions(frozen: Frozen) -> Int[Tensor, " some"]:
    return counted_positions(frozen.length, find_sinks(frozen)).to(frozen.ids.device)


def _in_turn(sources: list[list[str]]) -> Iterator[str]:
    """One text of each source after the other, while any has one."""
    longest = max((len(texts) for texts in sources), default=0)
    for index in range(longest):
        yield from (texts[index] for texts in sources if index < len(texts))


def _no_sums(subject: Model) -> Sums:
    d_model = subject.shape.d_model
    return Sums(torch.zeros(2, subject.layers - 1, d_model, d_model), [0, 0])


def _lens_of(subject: Model, sums: Sums, method: str, corpus: str) -> Lens:
    lens = _lens(subject, sums.whole(), sum(sums.texts), sums.positions, method, corpus)
    if min(sums.texts) == 0:
        return lens
    agreed = agreement(subject, sums.mean(0), sums.mean(1))
    return replace(lens, about=replace(lens.about, agreement=agreed))


def _lens(subject: Model, jacobian: Tensor, texts: int, positions: int, method: str, corpus: str) -> Lens:
    about = About(
        model=subject.name,
        d_model=subject.shape.d_model,
        n_layers=subject.layers,
        texts=texts,
        tokens=positions,
        vocabulary=len(subject.unembedding),
        fingerprint=fingerprint(subject),
        method=method,
        transformers=version("transformers"),
        corpus=corpus,
    )
    return Lens(dict(enumerate(jacobian)), about)


def fingerprint(subject: Model) -> str:
    """Tells a model's weights from others of the same shape: a digest of some of every block's numbers."""
    digest = hashlib.sha256(f"{subject.layers} {subject.shape.d_model} {len(subject.unembedding)}".encode())
    for block in subject.folded:
        digest.update(block.weights.down.flatten()[:256].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _keep(sums: Sums, subject: Model, work: Path) -> None:
    """Write the sums whole or not at all."""
    work.mkdir(parents=True, exist_ok=True)
    counted = {"texts": json.dumps(sums.texts), "positions": str(sums.positions)}
    part = work / f"{STATE}.part"
    save_file({"jacobian": sums.jacobian}, part, {"fingerprint": fingerprint(subject), **counted})
    part.replace(work / STATE)


def _taken_up(subject: Model, work: Path | None) -> Sums | None:
    """What a stopped fit left in `work`; raises LensError where it is of another model."""
    if work is None or not (work / STATE).is_file():
        return None
    try:
        with safe_open(work / STATE, "pt") as file:
            known, jacobian = file.metadata() or {}, file.get_tensor("jacobian")
    except (OSError, SafetensorError) as exc:
        raise LensError(
            f"What a stopped fit left in {str(work)!r} cannot be read; give an empty folder."
        ) from exc
    if known.get("fingerprint") != fingerprint(subject):
        raise LensError(f"The folder {str(work)!r} holds the fit of another model; give an empty folder.")
    return Sums(jacobian, json.loads(known["texts"]), int(known["positions"]))
