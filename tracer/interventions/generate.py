"""Continue a text token by token with features or neurons held at values.

The text itself runs as `tracer.interventions.feature_intervene` has it (attention frozen or free, layers
held); what comes after runs free on what the text left behind, changed where a setting has no end. Knows no
claims.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.errors import GraphError
from tracer.interventions.feature_intervene import FeatureEdit, Setting, change_of, check
from tracer.interventions.held_forward import Edit, Hold, final_logits, patterns_held, streams_held
from tracer.interventions.intervene import Change, first_touched, places
from tracer.interventions.partial_forward import Start
from tracer.models import hook_before, part
from tracer.transcoders import Transcoders


@dataclass(frozen=True, slots=True)
class Continuation:
    """The tokens that came, and the logits each was chosen from."""

    ids: tuple[int, ...]
    text: str
    logits: Float[Tensor, "token vocab"]


@dataclass(frozen=True, slots=True)
class NeuronEdit:
    """Neurons set to values (inputs of the down projection) in one pass over the blocks."""

    frozen: Frozen
    changes: Sequence[Change]
    hold: Hold
    start: Start
    before_post_norm: bool = False  # what neurons write is asked for behind the norm

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the model's own blocks run with the changes."""
        handles = []
        for index, block in enumerate(self.frozen.subject.blocks):
            place = places(index, self.changes)
            if place is not None:
                down = part(block, self.frozen.subject.family.down)
                handles.append(hook_before(down, self._setter(*place)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _setter(self, row: Tensor, position: Tensor, unit: Tensor, value: Tensor) -> Callable[..., Any]:
        def put(_module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor]:
            acts = args[0].clone()
            acts[row, position - self.start.position, unit] = value
            return (acts,)

        return put

    def write(self, index: int, stream: Tensor, out: Tensor | None) -> Tensor:
        """What the MLP writes with the changes, reading this stream."""
        assert out is not None
        if places(index, self.changes) is None:
            return out
        family, block = self.frozen.subject.family, self.frozen.subject.blocks[index]
        with self.in_place():
            new: Tensor = part(block, family.mlp)(part(block, family.pre_mlp)(stream))
        return new if family.post_mlp is None else part(block, family.post_mlp)(new)


@torch.no_grad()
def continue_text(
    frozen: Frozen,
    settings: Sequence[Setting],
    tokens: int,
    transcoders: Transcoders | None = None,
    hold: Hold | None = None,
    *,
    random: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Continuation:
    """At most `tokens` more tokens; the last one may be an end of sequence.

    Settings are of these transcoders' features, or of neurons (None). Greedy without `random`. `hold` is for
    the text only: what is generated runs free, as in circuit-tracer.
    """
    hold = Hold() if hold is None else hold
    if transcoders is None and hold.layers is not None:
        raise GraphError("Layers can be held for transcoder features only, not for neurons.")
    model = frozen.subject.model
    change = change_of(settings, frozen.length, frozen.embedded)
    check(frozen, transcoders, change)
    edit = _edit(frozen, transcoders, change, hold, Start(first_touched(frozen, [change]).layer, 0))
    cache, logits = _after_the_text(frozen, edit)
    later, ends = Hold(attention=False, zero_positions=hold.zero_positions), _ends(model)
    found: list[int] = []
    seen: list[Tensor] = []
    while len(found) < tokens:
        seen.append(logits)
        found.append(_pick(logits, random, temperature))
        if found[-1] in ends or len(found) == tokens:
            break
        place = frozen.length + len(found) - 1
        change = change_of(_still(settings, place), place + 1, frozen.embedded)
        edit = _edit(frozen, transcoders, change, later, Start(0, place))
        with edit.in_place():
            out = model(frozen.ids.new_tensor([[found[-1]]]), past_key_values=cache, use_cache=True)
        logits = out.logits[0, -1]
    text = str(frozen.subject.tokenizer.decode(found))
    return Continuation(tuple(found), text, torch.stack(seen) if seen else logits[:0].view(0, len(logits)))


def _edit(frozen: Frozen, transcoders: Transcoders | None, change: Change, hold: Hold, start: Start) -> Edit:
    if transcoders is None:
        return NeuronEdit(frozen, [change], hold, start)
    return FeatureEdit(frozen, transcoders, [change], hold, start)


def _still(settings: Sequence[Setting], place: int) -> list[Setting]:
    """The settings that hold at a new position: slices without an end."""
    return [
        setting._replace(position=place)
        for setting in settings
        if isinstance(setting.position, slice)
        and setting.position.stop is None
        and place in range(place + 1)[setting.position]
    ]


def _after_the_text(frozen: Frozen, edit: Edit) -> tuple[Any, Float[Tensor, " vocab"]]:
    """The model's own cache and the next-token logits once the text has run with the changes."""
    model, patterns = frozen.subject.model, patterns_held(frozen, edit.hold)
    if patterns is None:
        with edit.in_place():
            out = model(frozen.ids[None], use_cache=True, logits_to_keep=1)
        return out.past_key_values, out.logits[0, -1]
    streams = streams_held(frozen, edit, patterns)
    with _entering(frozen, dict(enumerate(streams[:-1], edit.start.layer))):
        cache = model(frozen.ids[None], use_cache=True, logits_to_keep=1).past_key_values
    return cache, final_logits(frozen, streams[-1][:, -1], edit.hold, None)[0]


@contextmanager
def _entering(frozen: Frozen, streams: dict[int, Tensor]) -> Iterator[None]:
    """Within the block these streams enter these blocks, so that keys and values are made of them."""

    def swap(stream: Tensor) -> Callable[..., Any]:
        def enter(_module: Any, args: Any, kwargs: Any) -> Any:
            if args:
                return (stream, *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": stream}

        return enter

    blocks = frozen.subject.blocks
    handles = [
        hook_before(blocks[index], swap(stream), with_kwargs=True) for index, stream in streams.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _pick(logits: Float[Tensor, " vocab"], random: torch.Generator | None, temperature: float) -> int:
    if random is None:
        return int(logits.argmax())
    return int(torch.multinomial((logits.double() / temperature).softmax(-1), 1, generator=random))


def _ends(model: Any) -> set[int]:
    """Tokens after which there is nothing to say."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    return set(ends) if isinstance(ends, list) else set() if ends is None else {int(ends)}
