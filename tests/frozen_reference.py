"""An independent reference for the frozen model: Hugging Face's own modules, patched with detach, and autograd.

Shares no code with tracer but the recorded activations of the text.
"""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


def _rms(self: Any, x: Tensor) -> Tensor:
    eps = getattr(self, "eps", getattr(self, "variance_epsilon", 0.0))
    scale = (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt()
    gain = 1 + self.weight if type(self).__name__.startswith("Gemma") else self.weight
    return x * scale.detach() * gain


def _layer_norm(self: Any, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt()
    return centred * scale.detach() * self.weight + self.bias


def _frozen_attention(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **more: Any) -> Any:
    """Softmax in the model's own precision; the pattern carries no gradient."""
    repeat = query.shape[1] // value.shape[1]
    keys, values = key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1)
    scaling = more.get("scaling") or query.shape[-1] ** -0.5
    scores = query @ keys.transpose(2, 3) * scaling
    cap = more.get("softcap")
    if cap:
        scores = torch.tanh(scores / cap) * cap
    if mask is not None:
        scores = scores + mask[..., : keys.shape[-2]]
    pattern = scores.softmax(-1).detach()
    return (pattern @ values).transpose(1, 2).contiguous(), pattern


@contextmanager
def frozen_model(model: Any) -> Iterator[None]:
    """Within the block norms and attention patterns carry no gradient."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    # Both, or transformers 5 drops the causal mask without a word.
    AttentionInterface.register("frozen_reference", _frozen_attention)
    AttentionMaskInterface.register("frozen_reference", eager_mask)
    before, patched = model.config._attn_implementation, []
    model.config._attn_implementation = "frozen_reference"
    for module in model.modules():
        name = type(module).__name__
        new = _rms if name.endswith("RMSNorm") else _layer_norm if name == "LayerNorm" else None
        if new is not None:
            module.forward = types.MethodType(new, module)
            patched.append(module)
    try:
        yield
    finally:
        model.config._attn_implementation = before
        for module in patched:
            del module.forward


def reference_rows(
    frozen: Any, targets: list[tuple[int, int, Tensor] | tuple[int, int]], downs: list[Any], mlps: list[Any]
) -> tuple[Tensor, Tensor]:
    """Gradient times value for every neuron (target, layer, pos, neuron) and token (target, pos).

    A target is (layer, pos, direction in the MLP's input) or (answer, foil) for a logit difference. Neurons
    are leaves at their recorded values, so nothing flows through an MLP.
    """
    subject = frozen.subject
    model = subject.model
    leaves = [layer.acts.clone().requires_grad_(True) for layer in frozen.layers]
    tokens = frozen.embedded.clone().requires_grad_(True)
    read: dict[int, Tensor] = {}
    handles = []
    for index, (down, mlp) in enumerate(zip(downs, mlps, strict=True)):
        handles.append(down.register_forward_pre_hook(lambda _m, _a, i=index: (leaves[i][None],)))
        handles.append(mlp.register_forward_pre_hook(lambda _m, a, i=index: read.__setitem__(i, a[0][0])))
    handles.append(subject.blocks[0].register_forward_pre_hook(_swap_input(tokens), with_kwargs=True))
    with frozen_model(model):
        logits = model(frozen.ids[None], use_cache=False).logits[0, -1]
        by_neuron, by_token = [], []
        for target in targets:
            if len(target) == 2:
                y = logits[target[0]] - logits[target[1]]
            else:
                y = read[target[0]][target[1]] @ target[2]
            grads = torch.autograd.grad(y, [*leaves, tokens], retain_graph=True, allow_unused=True)
            grads = [
                torch.zeros_like(v) if g is None else g * v.detach()
                for g, v in zip(grads, [*leaves, tokens], strict=True)
            ]
            by_neuron.append(torch.stack(grads[:-1]))
            by_token.append(grads[-1].sum(-1))
    for handle in handles:
        handle.remove()
    return torch.stack(by_neuron), torch.stack(by_token)


def _swap_input(tokens: Tensor) -> Any:
    def swap(_module: Any, args: Any, kwargs: Any) -> Any:
        if args:
            return (tokens[None], *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": tokens[None]}

    return swap
