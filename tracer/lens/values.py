"""What a concept lens is: one matrix a layer, from the stream there to what the stream ends up as.

J_l is the mean over texts and positions t of the sum over t' >= t of d h_final[t'] / d h_l[t], where h_l is
the output of block l and h_final that of the last block, before the final norm (Gurnee et al., Verbalizable
Representations Form a Global Workspace in Language Models, transformer-circuits.pub 2026). The last layer's
is the identity. Knows no model: only numbers, and what they were made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.lens.errors import LensError


@dataclass(frozen=True, slots=True)
class About:
    """What a lens was made from. `method` is how: exact, mean, or what a file of others does not say."""

    model: str
    d_model: int
    n_layers: int
    texts: int
    tokens: int
    vocabulary: int = 0  # 0: not said
    fingerprint: str = ""  # of the model's weights; empty: not said
    method: str = ""
    transformers: str = ""
    corpus: str = ""
    agreement: float | None = None  # mean cosine of token directions between halves of the texts


@dataclass(frozen=True, slots=True)
class Background:
    """What the lens reads for other texts: mean and covariance of the normalised, transported stream.

    The covariance of layer l is factor[l].T @ factor[l] + diag(rest[l]).
    """

    mean: Float[Tensor, "layer d_model"]
    factor: Float[Tensor, "layer rank d_model"]
    rest: Float[Tensor, "layer d_model"]


@dataclass(frozen=True)
class Lens:
    """Matrices by layer (rows: what it ends up as, columns: the stream at that layer)."""

    matrices: dict[int, Float[Tensor, "d_model d_model"]] = field(repr=False)
    about: About
    background: Background | None = field(default=None, repr=False)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that can be read, the last one (identity) included."""
        return (*sorted(index for index in self.matrices if index < self.last), self.last)

    @property
    def last(self) -> int:
        """The last block's number."""
        return self.about.n_layers - 1

    def matrix(self, layer: int) -> Float[Tensor, "d_model d_model"]:
        """J of a layer in float32; raises LensError for a layer that was not fitted."""
        if layer in self.matrices:
            return self.matrices[layer].float()
        if layer == self.last:
            return torch.eye(self.about.d_model)
        fitted = f"{min(self.layers)} to {max(self.layers)}"
        raise LensError(f"This lens has no layer {layer}; it was fitted for layers {fitted}.")

    def transport(
        self, layer: int, stream: Float[Tensor, "*batch d_model"]
    ) -> Float[Tensor, "*batch d_model"]:
        """What a stream at a layer's output ends up as, before the final norm."""
        if layer == self.last:
            return stream
        return stream @ self.matrix(layer).to(stream).T

    def pull(self, layer: int, target: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """The direction at a layer whose presence moves the final stream along `target`."""
        if layer == self.last:
            return target
        return target @ self.matrix(layer).to(target)


def merged(lenses: Sequence[Lens]) -> Lens:
    """One lens of all texts, each part weighted by its number of texts.

    Raises LensError where the parts are of different models, widths or layers, or there is none.
    """
    if not lenses:
        raise LensError("There is no part of a lens to merge.")
    first, texts = lenses[0], sum(lens.about.texts for lens in lenses)
    for other in lenses[1:]:
        same = other.about.d_model == first.about.d_model and other.layers == first.layers
        if not same or other.about.model != first.about.model:
            raise LensError(
                f"Parts of lenses of {first.about.model} ({first.about.d_model} wide) and of "
                f"{other.about.model} ({other.about.d_model} wide) cannot be merged."
            )
    if texts <= 0:
        raise LensError("The parts of the lens do not say of how many texts they are.")
    matrices = {
        layer: torch.stack([lens.matrix(layer) * (lens.about.texts / texts) for lens in lenses]).sum(0)
        for layer in first.layers
        if layer != first.last
    }
    about = first.about
    joined = About(
        model=about.model,
        d_model=about.d_model,
        n_layers=about.n_layers,
        texts=texts,
        tokens=sum(lens.about.tokens for lens in lenses),
        vocabulary=about.vocabulary,
        fingerprint=about.fingerprint,
        method=" and ".join(sorted({lens.about.method for lens in lenses if lens.about.method})),
        transformers=about.transformers,
        corpus=" and ".join(sorted({lens.about.corpus for lens in lenses if lens.about.corpus})),
    )
    return Lens(matrices, joined, next((lens.background for lens in lenses if lens.background), None))
