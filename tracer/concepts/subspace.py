"""Coordinates of tokens' directions in the stream of one layer, and how the stream moves with them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

RIDGE = 1e-9  # of the mean diagonal: two spellings of one word may have the same direction


@dataclass(frozen=True, slots=True)
class Subspace:
    """Coordinates c = read h; setting them to c' moves h by (c' - c) write, and nothing else of h.

    `write` is the dual of `read` in its own span: read writeᵀ is the identity, so it is the shortest move.
    """

    read: Float[Tensor, "coordinate d_model"]
    write: Float[Tensor, "coordinate d_model"]

    def coordinates(self, stream: Float[Tensor, "*place d_model"]) -> Float[Tensor, "*place coordinate"]:
        """What the stream holds along each direction."""
        return stream @ self.read.T


def span(read: Float[Tensor, "coordinate d_model"]) -> Subspace:
    """The subspace of these directions: write = (V Vᵀ)⁻¹ V (Gurnee et al. 2026, concept swaps).

    Directions that are nothing, as a lens has them where no later layer reads a word, write nothing.
    """
    gram = (read @ read.T).double()
    ridge = (RIDGE * gram.diagonal().mean()).clamp_min(torch.finfo(gram.dtype).tiny)
    square = gram + ridge * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    return Subspace(read, torch.linalg.solve(square, read.double()).to(read.dtype))
