"""Transformers wired by hand: every neuron and head has a job that is written down, so the truth is known.

A residual dimension means one thing. Large constant dimensions make each norm almost the identity, so
that what a neuron reads is what was written for it. Words are tokens; every word that is not wired is filler.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

WIDTH, HEADS, D_HEAD = 128, 4, 32
CONSTANT = 200.0  # what the constant dimensions hold; signals are about 1
LENGTH = 16  # positions
FIRST_SLOW = 4  # rotary pairs from here on do not turn (with the base below)
ROTARY_BASE = 1e30

Step = tuple[int, int, frozenset[int]]  # layer, position of the neurons, which neurons


@dataclass
class Neurons:
    """`count` alike neurons: they fire when what they read exceeds `above`, and write."""

    layer: int
    reads: Mapping[str, float]
    above: float
    writes: Mapping[str, float]
    count: int
    gain: float = 8.0
    first: int = 0  # set when wired


@dataclass
class Head:
    """Attends by matches of dimensions (query, key, strength) and moves dimensions."""

    layer: int
    matches: Sequence[tuple[str, str, float]]
    moves: Sequence[tuple[str, str, float]]


@dataclass
class Wiring:
    """A circuit to be: words, what their embeddings hold, heads, neurons, what raises which logit."""

    words: Sequence[str]
    layers: int
    neurons_a_layer: int = 64
    embeds: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    neurons: list[Neurons] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    logits: list[tuple[str, str, float]] = field(default_factory=list)  # dimension, word, weight
    dims: dict[str, int] = field(default_factory=lambda: {"+1": 0, "-1": 1})

    def dim(self, name: str) -> int:
        """The residual dimension of this name; "+1" is constant."""
        return self.dims.setdefault(name, len(self.dims))

    def group(
        self,
        layer: int,
        reads: Mapping[str, float],
        writes: Mapping[str, float],
        *,
        above: float = 0.5,
        count: int = 6,
        gain: float = 8.0,
    ) -> Neurons:
        """Add alike neurons; together they write `writes` when what they read is `above` + 0.5."""
        made = Neurons(layer, reads, above, writes, count, gain)
        made.first = sum(n.count for n in self.neurons if n.layer == layer)
        assert made.first + count <= self.neurons_a_layer, "too many neurons for a layer"
        self.neurons.append(made)
        return made

    def at(self, neurons: Neurons, position: int) -> Step:
        """These neurons at a position, as a step of the circuit."""
        return neurons.layer, position, frozenset(range(neurons.first, neurons.first + neurons.count))

    def save(self, folder: Path, family: str) -> Path:
        """Write the model and its tokeniser as transformers saves them."""
        model = {"gpt2": self._gpt2, "llama": self._llama}[family]()
        model.save_pretrained(folder)
        save_words(folder, self.words, bos="<s>" if family == "llama" else None)
        return folder

    def _tables(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Embedding and unembedding, by word."""
        embed, unembed = torch.zeros(len(self.words), WIDTH), torch.zeros(len(self.words), WIDTH)
        at = {word: i for i, word in enumerate(self.words)}
        for word, held in self.embeds.items():
            for name, value in held.items():
                embed[at[word]] += self._written([(name, value)])
        for name, word, weight in self.logits:
            unembed[at[word], self.dim(name)] = weight
        return embed, unembed

    def _row(self, reads: Iterable[tuple[str, float]]) -> torch.Tensor:
        row = torch.zeros(WIDTH)
        for name, weight in reads:
            row[self.dim(name)] += weight
        return row

    def _written(self, writes: Iterable[tuple[str, float]]) -> torch.Tensor:
        """The same, taken back in a dimension nobody reads: a LayerNorm then finds no mean to subtract."""
        row = self._row(writes)
        row[self.dim("taken back")] -= row.sum()
        return row

    def _gpt2(self) -> Any:
        """Learned positions ("p0", "p1", ... are dimensions), LayerNorm, one GELU a neuron."""
        from transformers import GPT2Config, GPT2LMHeadModel

        positions = [self.dim(f"p{i}") for i in range(LENGTH)]
        config = GPT2Config(
            vocab_size=len(self.words), n_embd=WIDTH, n_layer=self.layers, n_head=HEADS, n_positions=LENGTH,
            n_inner=self.neurons_a_layer, bos_token_id=None, eos_token_id=None, tie_word_embeddings=False,
        )  # fmt: skip
        model = blank(GPT2LMHeadModel(config))
        net = model.transformer
        net.wte.weight.data, model.lm_head.weight.data = self._tables()
        net.wpe.weight[:, 0], net.wpe.weight[:, 1] = CONSTANT, -CONSTANT
        net.wpe.weight[torch.arange(LENGTH), positions] = 1.0
        net.wpe.weight[:, self.dim("taken back")] = -1.0
        gain = CONSTANT * (2 / WIDTH) ** 0.5
        for norm in (net.ln_f, *(n for block in net.h for n in (block.ln_1, block.ln_2))):
            norm.weight.fill_(gain)
        for one in self.neurons:
            mlp = net.h[one.layer].mlp
            own = slice(one.first, one.first + one.count)
            mlp.c_fc.weight[:, own] = one.gain * self._row(one.reads.items())[:, None]
            mlp.c_fc.bias[own] = -one.gain * one.above
            mlp.c_proj.weight[own] = self._written(one.writes.items()) / (one.count * one.gain / 2)
        for layer, head, one_head in self._placed():
            attention, start = net.h[layer].attn, head * D_HEAD
            for slot, (query, key, strength) in enumerate(one_head.matches):
                attention.c_attn.weight[:, start + slot] += self._row([(query, strength * D_HEAD**0.5)])
                attention.c_attn.weight[:, WIDTH + start + slot] += self._row([(key, 1.0)])
            for slot, (source, target, weight) in enumerate(one_head.moves):
                attention.c_attn.weight[self.dim(source), 2 * WIDTH + start + slot] = 1.0
                attention.c_proj.weight[start + slot] = self._written([(target, weight)])
        return model

    def _llama(self) -> Any:
        """RMSNorm, rotary positions that content heads do not feel, a gate and a value a neuron."""
        from transformers import LlamaConfig, LlamaForCausalLM

        config = LlamaConfig(
            vocab_size=len(self.words), hidden_size=WIDTH, num_hidden_layers=self.layers,
            num_attention_heads=HEADS, num_key_value_heads=HEADS, intermediate_size=self.neurons_a_layer,
            max_position_embeddings=LENGTH, bos_token_id=self.words.index("<s>"), eos_token_id=None,
            tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": ROTARY_BASE},
        )  # fmt: skip
        model = blank(LlamaForCausalLM(config))
        net = model.model
        net.embed_tokens.weight.data, model.lm_head.weight.data = self._tables()
        net.embed_tokens.weight[:, 0] = CONSTANT
        gain = CONSTANT / WIDTH**0.5
        for norm in (
            net.norm,
            *(n for b in net.layers for n in (b.input_layernorm, b.post_attention_layernorm)),
        ):
            norm.weight.fill_(gain)
        for one in self.neurons:
            mlp, own = net.layers[one.layer].mlp, slice(one.first, one.first + one.count)
            threshold = ("+1", -one.gain * one.above / CONSTANT)
            reads = [(name, one.gain * weight) for name, weight in one.reads.items()]
            mlp.gate_proj.weight[own] = self._row([*reads, threshold])
            mlp.up_proj.weight[own] = self._row([("+1", 1 / CONSTANT)])
            mlp.down_proj.weight[:, own] = (self._row(one.writes.items()) / (one.count * one.gain / 2))[
                :, None
            ]
        for layer, head, one_head in self._placed():
            attention = net.layers[layer].self_attn
            start, slow = head * D_HEAD, head * D_HEAD + FIRST_SLOW
            for slot, (query, key, strength) in enumerate(one_head.matches):
                attention.q_proj.weight[slow + slot] += self._row([(query, strength * D_HEAD**0.5)])
                attention.k_proj.weight[slow + slot] += self._row([(key, 1.0)])
            for slot, (source, target, weight) in enumerate(one_head.moves):
                attention.v_proj.weight[start + slot, self.dim(source)] = 1.0
                attention.o_proj.weight[self.dim(target), start + slot] = weight
        return model

    def _placed(self) -> Iterable[tuple[int, int, Head]]:
        """Each head with its layer and its number there."""
        taken: dict[int, int] = defaultdict(int)
        for one in self.heads:
            yield one.layer, taken[one.layer], one
            taken[one.layer] += 1


def blank(model: Any) -> Any:
    """The same model with every parameter 0."""
    model.requires_grad_(False).eval()
    for weights in model.parameters():
        weights.zero_()
    return model


def save_words(folder: Path, words: Sequence[str], bos: str | None) -> None:
    """A tokeniser whose tokens are whole words, with a begin-of-text token where `bos` names it."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[-1]))
    made.pre_tokenizer = WhitespaceSplit()
    if bos is not None:
        made.post_processor = TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, list(words).index(bos))]
        )
    wrapped = PreTrainedTokenizerFast(tokenizer_object=made, unk_token=words[-1], bos_token=bos)
    wrapped.save_pretrained(folder)
