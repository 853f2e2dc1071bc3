"""The features of a subject that a corpus can describe: its neurons, or those of a transcoder set.

Both are grids of layers by `width` indices, and every index is two features, + and -: a transcoder feature's
negative one fires only where TopK leaves negative activations standing. Says where they fire on a batch of
windows, what they write, and holds one at a value. Draws no conclusions.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.autointerp.write_directions import read_gain
from tracer.interventions import live_input
from tracer.models import Model, hook_after, hook_before, part
from tracer.transcoders import Transcoders

Each = Callable[[int, Tensor], None]  # layer, activations (window pos index) without position 0


@runtime_checkable
class FeatureSet(Protocol):
    """What evidence and descriptions ask of features."""

    @property
    def subject(self) -> Model:
        """The model that is run."""
        ...

    @property
    def basis(self) -> str:
        """Neurons or transcoders."""
        ...

    @property
    def name(self) -> str:
        """Whose features they are, as they are filed."""
        ...

    @property
    def width(self) -> int:
        """Indices a layer, those of the widest."""
        ...

    def watched(self, each: Each, layers: Collection[int]) -> AbstractContextManager[None]:
        """Show `each` the activations of these layers whenever the subject runs; leaves no hook behind."""
        ...

    def written(self, layer: int) -> Float[Tensor, "index d_model"]:
        """Unit vectors of what each adds to the stream when positive."""
        ...

    def held(self, layer: int, index: Tensor, value: Tensor) -> AbstractContextManager[None]:
        """Within the block, row i of a batch has feature index[i] amplified by value[i] at its last token."""
        ...


@dataclass(frozen=True, slots=True)
class NeuronSet:
    """The neurons of a subject's MLPs."""

    subject: Model
    basis: str = "neurons"

    @property
    def name(self) -> str:
        """The subject's."""
        return self.subject.name

    @property
    def width(self) -> int:
        """Neurons a layer."""
        return self.subject.neurons

    @contextmanager
    def watched(self, each: Each, layers: Collection[int]) -> Iterator[None]:
        """What goes into the down projections."""

        def hook(layer: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            return lambda _module, args: each(layer, args[0][:, 1:])

        with _hooked([hook_before(self._down(layer), hook(layer)) for layer in sorted(layers)]):
            yield

    def written(self, layer: int) -> Float[Tensor, "index d_model"]:
        """Columns of the down projection, through the norm behind it."""
        block, family = self.subject.blocks[layer], self.subject.family
        down = family.read(block, self.subject.shape).down.float().T
        if family.post_mlp is not None:
            down = down * read_gain(self.subject, part(block, family.post_mlp))
        return torch.nn.functional.normalize(down, dim=1)

    @contextmanager
    def held(self, layer: int, index: Tensor, value: Tensor) -> Iterator[None]:
        """Its activation is set to the value."""

        def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
            acts = args[0].clone()
            acts[torch.arange(len(index)), -1, index] = value.to(acts.dtype)
            return (acts,)

        with _hooked([hook_before(self._down(layer), hook)]):
            yield

    def _down(self, layer: int) -> nn.Module:
        return part(self.subject.blocks[layer], self.subject.family.down)


@dataclass(frozen=True, slots=True)
class TranscoderSet:
    """The features of a transcoder set that is `fitted` to the subject."""

    subject: Model
    transcoders: Transcoders
    basis: str = "transcoders"

    @property
    def name(self) -> str:
        """The subject's and the set's."""
        return f"{self.subject.name} with {self.transcoders.name}"

    @property
    def width(self) -> int:
        """Features of the widest layer; what a narrower one lacks never fires."""
        return self.transcoders.width

    @contextmanager
    def watched(self, each: Each, layers: Collection[int]) -> Iterator[None]:
        """What the encoders make of the stream in front of the MLPs, in the subject's dtype."""

        def hook(layer: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            def seen(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
                x = live_input(self.subject, layer, self.transcoders.reads, args[0][:, 1:])
                acts = self.transcoders.layers[layer].encode(x.flatten(0, 1))
                wide = torch.nn.functional.pad(acts, (0, self.width - acts.shape[1]))
                each(layer, wide.view(*x.shape[:2], self.width))

            return seen

        there = [layer for layer in sorted(layers) if layer not in self.transcoders.missing]
        norm = self.subject.family.pre_mlp
        with _hooked([hook_before(part(self.subject.blocks[layer], norm), hook(layer)) for layer in there]):
            yield

    def written(self, layer: int) -> Float[Tensor, "index d_model"]:
        """Decoder rows, those of a cross-layer feature added up; zero where there is no feature."""
        rows = self.transcoders.layers[layer].decoder.whole().float()
        rows = rows.sum(1) if rows.ndim == 3 else rows
        post = self.subject.family.post_mlp
        if self.transcoders.before_post_norm and post is not None:
            rows = rows * read_gain(self.subject, part(self.subject.blocks[layer], post))
        unit = torch.nn.functional.normalize(rows, dim=1)
        return torch.nn.functional.pad(unit, (0, 0, 0, self.width - len(unit)))

    @contextmanager
    def held(self, layer: int, index: Tensor, value: Tensor) -> Iterator[None]:
        """Its activation grows by the value: so many times its decoder rows are added to what is written."""
        rows = self.transcoders.layers[layer].writing(index, value.float()) * value[:, None, None].float()
        family = self.subject.family
        behind = None if self.transcoders.before_post_norm else family.post_mlp

        def hook(step: int) -> Callable[..., Tensor]:
            def add(_module: nn.Module, _args: tuple[Tensor, ...], out: Tensor) -> Tensor:
                more = out.clone()
                more[:, -1] += rows[:, step].to(out.dtype)
                return more

            return add

        with _hooked(
            [
                hook_after(part(self.subject.blocks[layer + step], behind or family.mlp), hook(step))
                for step in range(rows.shape[1])
            ]
        ):
            yield


@contextmanager
def _hooked(handles: list[torch.utils.hooks.RemovableHandle]) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
