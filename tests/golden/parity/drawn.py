"""Transcoders for the embedded model, drawn from a seed in numpy's frozen stream: too large to commit."""

import numpy as np
import torch
from torch import Tensor

WIDTH, FEATURES, LAYERS = 640, 256, 18


def drawn_transcoder(layer: int) -> dict[str, Tensor]:
    """One layer's tensors, without its threshold."""
    random = np.random.RandomState(1000 + layer)  # its stream never changes between versions

    def draw(*shape: int) -> Tensor:
        return torch.from_numpy(random.standard_normal(shape).astype(np.float32) / np.float32(WIDTH) ** 0.5)

    own = {"W_enc": draw(FEATURES, WIDTH), "W_dec": draw(FEATURES, WIDTH) * 3}
    return own | {"b_enc": draw(FEATURES) * 0.1, "b_dec": draw(WIDTH)}
