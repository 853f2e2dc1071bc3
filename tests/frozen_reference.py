"""Independent references: Hugging Face's own modules with norms and softmax patched, and autograd.

Shares no code with tracer but the recorded activations of the text. The patches compute in the model's own
dtype (Hugging Face takes float32 for RMSNorms and the softmax), so that float64 models are exact to float64.
"""

import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

Hold = Callable[[Any, Tensor], Tensor]  # what becomes of a norm's scale or a pattern, by its module


def _rms(module: Any, x: Tensor, hold: Hold) -> Tensor:
    eps = getattr(module, "eps", getattr(module, "variance_epsilon", 0.0))
    scale = hold(module, (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt())
    gain = 1 + module.weight if type(module).__name__.startswith("Gemma") else module.weight
    return x * scale * gain


def _layer_norm(module: Any, x: Tensor, hold: Hold) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scale = hold(module, (centred.pow(2).mean(-1, keepdim=True) + module.eps).rsqrt())
    return centred * scale * module.weight + module.bias


def _attention(hold: Hold) -> Callable[..., Any]:
    def attend(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **more: Any) -> Any:
        repeat = query.shape[1] // value.shape[1]
        keys, values = key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1)
        scaling = more.get("scaling") or query.shape[-1] ** -0.5
        scores = query @ keys.transpose(2, 3) * scaling
        cap = more.get("softcap")
        if cap:
            scores = torch.tanh(scores / cap) * cap
        if mask is not None:
            scores = scores + mask[..., : keys.shape[-2]]
        pattern = hold(module, scores.softmax(-1))
        return (pattern @ values).transpose(1, 2).contiguous(), pattern

    return attend


@contextmanager
def patched(model: Any, name: str, hold: Hold) -> Iterator[None]:
    """Within the block norms and softmax keep the model's dtype and pass through `hold`."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    # Both, or transformers 5 drops the causal mask without a word.
    AttentionInterface.register(name, _attention(hold))
    AttentionMaskInterface.register(name, eager_mask)
    before, earlier = model.config._attn_implementation, {}
    model.config._attn_implementation = name
    for module in model.modules():
        kind = type(module).__name__
        new = _rms if kind.endswith("RMSNorm") else _layer_norm if kind == "LayerNorm" else None
        if new is not None:
            earlier[module] = module.__dict__.get("forward")
            module.forward = types.MethodType(lambda self, x, new=new: new(self, x, hold), module)
    try:
        yield
    finally:
        model.config._attn_implementation = before
        for module, forward in earlier.items():
            if forward is None:
                del module.forward
            else:
                module.forward = forward


def own_precision(model: Any) -> Any:
    """Within the block nothing is cast to float32; the model is otherwise as it is."""
    return patched(model, "own_precision", lambda _module, value: value)


def frozen_model(model: Any) -> Any:
    """Within the block norm scales and attention patterns carry no gradient."""
    return patched(model, "frozen_reference", lambda _module, value: value.detach())


@contextmanager
def hooked(handles: list[Any]) -> Iterator[None]:
    """Remove these hooks at the end."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def reference_rows(
    frozen: Any, targets: list[tuple[int, int, Tensor] | tuple[int, int]], downs: list[Any], mlps: list[Any]
) -> tuple[Tensor, Tensor]:
    """Gradient times value for every neuron (target, layer, pos, neuron) and token (target, pos).

    A target is (layer, pos, direction in the MLP's input) or (answer, foil) for a logit difference. Neurons
    are leaves at their recorded values, so nothing flows through an MLP.
    """
    model = frozen.subject.model
    leaves = [layer.acts.clone().requires_grad_(True) for layer in frozen.layers]
    tokens = frozen.embedded.clone().requires_grad_(True)
    read: dict[Any, Tensor] = {}
    handles = [_keep_output(model.get_output_embeddings(), read, "logits")]
    for index, (down, mlp) in enumerate(zip(downs, mlps, strict=True)):
        handles.append(down.register_forward_pre_hook(lambda _m, _a, i=index: (leaves[i][None],)))
        handles.append(_keep_input(mlp, read, index))
    handles.append(_swap_input(frozen, tokens))
    with frozen_model(model), hooked(handles):
        model(frozen.ids[None], use_cache=False)
        by_neuron, by_token = [], []
        for target in targets:
            *neurons, token = _gradients(_read_out(read, target), [*leaves, tokens])
            by_neuron.append(torch.stack(neurons))
            by_token.append(token.sum(-1))
    return torch.stack(by_neuron), torch.stack(by_token)


def _read_out(read: dict[Any, Tensor], target: Any) -> Tensor:
    """The scalar a target stands for; logits are taken before a final soft-cap."""
    if len(target) == 2:
        return read["logits"][-1, target[0]] - read["logits"][-1, target[1]]
    return read[target[0]][target[1]] @ target[2]


def _gradients(y: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """Gradient times value of every leaf."""
    grads = torch.autograd.grad(y, leaves, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(v) if g is None else g * v.detach() for g, v in zip(grads, leaves, strict=True)]


def _keep_input(module: Any, read: dict[Any, Tensor], key: Any) -> Any:
    return module.register_forward_pre_hook(lambda _m, args: read.__setitem__(key, args[0][0]))


def _keep_output(module: Any, read: dict[Any, Tensor], key: Any) -> Any:
    return module.register_forward_hook(lambda _m, _a, out: read.__setitem__(key, out[0]))


def _swap_input(frozen: Any, tokens: Tensor) -> Any:
    def swap(_module: Any, args: Any, kwargs: Any) -> Any:
        if args:
            return (tokens[None], *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": tokens[None]}

    return frozen.subject.blocks[0].register_forward_pre_hook(swap, with_kwargs=True)


def feature_rows(
    frozen: Any, transcoders: Any, targets: list[tuple[int, int, Tensor] | tuple[int, int]], modules: Any
) -> list[Tensor]:
    """Gradient times value of every feature (target, layer, pos, feature), error (target, layer, pos), token.

    `modules` are (writer, mlp, norm before the mlp) of every block. A target is (layer, pos, encoder row) or
    (answer, foil). Features are leaves at what they are on the text; the skip is live.
    """
    model, layers = frozen.subject.model, transcoders.layers
    read: dict[Any, Tensor] = {}
    handles = [_keep_output(w, read, ("written", i)) for i, (w, _, _) in enumerate(modules)]
    handles += [_keep_read(transcoders.reads, row, read, i) for i, row in enumerate(modules)]
    with frozen_model(model), hooked(handles), torch.no_grad():
        model(frozen.ids[None], use_cache=False)
    acts = [layer.encode(read[i]).requires_grad_(True) for i, layer in enumerate(layers)]
    tokens = frozen.embedded.clone().requires_grad_(True)

    def rebuilt(index: int) -> Tensor:
        out = layers[index].decoder_bias.expand_as(tokens)
        for source in range(index + 1):
            rows = layers[source].decoder.whole()
            rows = rows if rows.ndim == 3 else rows[:, None]
            if index - source < rows.shape[1]:
                out = out + acts[source] @ rows[:, index - source]
        return out if layers[index].skip is None else out + read[index] @ layers[index].skip

    with torch.no_grad():
        errors = torch.stack([read["written", i] - rebuilt(i) for i in range(len(layers))])
    errors.requires_grad_(True)
    handles = [_swap_input(frozen, tokens), _keep_output(model.get_output_embeddings(), read, "logits")]
    handles += [_keep_read(transcoders.reads, row, read, i) for i, row in enumerate(modules)]
    for index, (writer, _, _) in enumerate(modules):
        handles.append(
            writer.register_forward_hook(lambda _m, _a, _o, i=index: (rebuilt(i) + errors[i])[None])
        )
    with frozen_model(model), hooked(handles):
        model(frozen.ids[None], use_cache=False)
        found = [_gradients(_read_out(read, target), [*acts, errors, tokens]) for target in targets]
    return [
        torch.stack([torch.stack(row[:-2]) for row in found]),
        torch.stack([row[-2].sum(-1) for row in found]),
        torch.stack([row[-1].sum(-1) for row in found]),
    ]


def _keep_read(reads: str, modules: Any, read: dict[Any, Tensor], key: Any) -> Any:
    """Keep what a transcoder reads: the MLP's input, the stream, or the stream times the norm's scale."""
    _, mlp, norm = modules
    if reads == "mlp.hook_in":
        return _keep_input(mlp, read, key)
    if reads == "hook_resid_mid":
        return _keep_input(norm, read, key)

    def keep(module: Any, args: Any, out: Tensor) -> None:
        gain = 1 + module.weight if type(module).__name__.startswith("Gemma") else module.weight
        bias = getattr(module, "bias", None)
        read[key] = ((out if bias is None else out - bias) / gain)[0]

    return norm.register_forward_hook(keep)


Skip = Callable[[int, Tensor], Tensor]  # what a layer's affine skip writes for a change of the MLP's input


class FrozenRun:
    """The model run again with patterns, scales and what the MLPs write held at the unchanged text.

    `shift` adds a vector to the stream behind a block (layer -1: to the embedding) and returns by how much
    every MLP's input (layer, pos, d_model) and the last position's demeaned logits moved.
    """

    def __init__(self, frozen: Any, writers: list[Any], mlps: list[Any], skip: Skip | None = None) -> None:
        self.frozen, self.writers, self.mlps, self.skip = frozen, writers, mlps, skip
        self.held: dict[Any, Tensor] = {}
        self.inputs, self.logits = self._run(None)

    def shift(self, layer: int, position: int, vector: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        inputs, logits = self._run((layer, position, vector))
        return inputs - self.inputs, logits - self.logits

    def _run(self, added: tuple[int, int, Tensor] | None) -> tuple[Tensor, Tensor]:
        frozen, read = self.frozen, {}
        model = frozen.subject.model
        tokens = frozen.embedded.clone()
        if added is not None and added[0] < 0:
            tokens[added[1]] += added[2]
        handles = [_swap_input(frozen, tokens), _keep_output(model.get_output_embeddings(), read, "logits")]
        for index, (writer, mlp) in enumerate(zip(self.writers, self.mlps, strict=True)):
            handles.append(_keep_input(mlp, read, index))
            handles.append(writer.register_forward_hook(self._writes(index, read, added)))
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            stack.enter_context(patched(model, "held", lambda m, value: self.held.setdefault(m, value)))
            stack.enter_context(hooked(handles))
            model(frozen.ids[None], use_cache=False)
        last = read.pop("logits")[-1]
        return torch.stack([read[i] for i in range(len(self.mlps))]), last - last.mean()

    def _writes(self, index: int, read: dict[Any, Tensor], added: Any) -> Callable[..., Tensor]:
        def write(_module: Any, _args: Any, out: Tensor) -> Tensor:
            out = self.held.setdefault(index, out).clone()
            if self.skip is not None and added is not None:
                out[0] += self.skip(index, read[index] - self.inputs[index])
            if added is not None and added[0] == index:
                out[0, added[1]] += added[2]
            return out

        return write
