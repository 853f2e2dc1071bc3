"""Neurons' nonlinearities by their names in a model's configuration."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tracer.errors import UnsupportedFamily
from tracer.models.model import Model


@dataclass(frozen=True, slots=True)
class Activation:
    """A neuron's nonlinearity and its ratio act(z)/z, written so that z = 0 divides nothing."""

    value: Callable[[Tensor], Tensor]
    ratio: Callable[[Tensor], Tensor]


def _tanh_gate(z: Tensor) -> Tensor:
    return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


ACTIVATIONS = {
    "gelu": Activation(F.gelu, lambda z: 0.5 * (1 + torch.erf(z / math.sqrt(2)))),
    "gelu_pytorch_tanh": Activation(lambda z: F.gelu(z, approximate="tanh"), _tanh_gate),
    "silu": Activation(F.silu, torch.sigmoid),
    "relu": Activation(F.relu, lambda z: (z > 0).to(z.dtype)),
}
ACTIVATIONS["gelu_new"] = ACTIVATIONS["gelu_fast"] = ACTIVATIONS["gelu_pytorch_tanh"]
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]


def activation_of(subject: Model) -> Activation:
    """The subject's own; raises UnsupportedFamily where it is not known."""
    config = subject.model.config
    for setting in ("hidden_activation", "hidden_act", "activation_function"):
        name = getattr(config, setting, None)
        if name in ACTIVATIONS:
            return ACTIVATIONS[name]
    raise UnsupportedFamily(f"{subject.name} uses an activation function that cannot be traced yet.")
