"""The model under study: find it, load it, tokenise, predict. Knows nothing of graphs or features."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoTokenizer, DynamicCache, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from tracer.errors import ModelError, TextError, UnsupportedFamily
from tracer.models.byte_tokens import BYTES, spell_bytes, vocabulary_names
from tracer.models.chat import ChatFormat
from tracer.models.checkpoint import (
    check_finite,
    check_stored,
    explain_unreadable,
    first_line,
    read_config,
    read_weights,
    tell_code,
)
from tracer.models.families import Family, Shape, family_for, part
from tracer.models.malloc import give_back_memory
from tracer.models.model_names import EMBEDDED, EMBEDDED_NAME
from tracer.models.norm_folding import Folded, fold
from tracer.models.packaged import MARK, ensure_embedded, ensure_gguf, packaged_gguf

AT_ONCE = 2048  # rows of the vocabulary summed in one product
PAGE = 4096  # bytes
PATTERNS = 4  # copies of a layer's attention while it is computed: scores, masked, in their softmax
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # what a decoder puts where bytes are no text


class Prediction(NamedTuple):
    """One candidate for the next token."""

    token: str
    token_id: int
    p: float


@dataclass(frozen=True)
class Model:
    """A loaded decoder and its tokeniser."""

    name: str
    model: Any  # transformers' PreTrainedModel; its classes are typed too loosely to help
    tokenizer: Any
    family: Family
    note: str = ""  # what whoever loads it should be told
    spelled: dict[int, str] = field(default_factory=dict)  # token texts once decoded
    alone: dict[int, bool] = field(default_factory=dict)  # tokens that are whole words, once asked
    beginnings: dict[tuple[int, ...], Any] = field(default_factory=dict)  # of texts: keys and values once run
    followed: dict[int, Tensor] = field(default_factory=dict)  # how a text goes on behind a token, once asked
    common: list[int] = field(default_factory=list)  # frequent whole words, once looked for
    lengths: dict[int, Tensor] = field(default_factory=dict)  # of so many first unembeddings, once measured
    spread: dict[int, tuple[float, float]] = field(default_factory=dict)  # of cosines with random tokens

    @cached_property
    def shape(self) -> Shape:
        """Head counts and widths."""
        config = self.model.config
        heads = int(config.num_attention_heads)
        d_model = int(config.hidden_size)
        return Shape(
            heads=heads,
            kv_heads=int(getattr(config, "num_key_value_heads", None) or heads),
            d_head=int(getattr(config, "head_dim", None) or d_model // heads),
            d_model=d_model,
        )

    @cached_property
    def blocks(self) -> tuple[nn.Module, ...]:
        """The decoder blocks, first to last."""
        return tuple(part(self.model, self.family.blocks).children())

    @cached_property
    def folded(self) -> tuple[Folded, ...]:
        """Each block's weights as the tracer reads them."""
        return tuple(fold(block, self.family, self.shape) for block in self.blocks)

    @property
    def layers(self) -> int:
        """How many decoder blocks there are."""
        return len(self.blocks)

    @property
    def neurons(self) -> int:
        """How many neurons one layer has."""
        config = self.model.config
        return int(
            getattr(config, "intermediate_size", 0) or getattr(config, "n_inner", 0) or 4 * config.hidden_size
        )

    @property
    def unembedding(self) -> Float[Tensor, "vocab d_model"]:
        """The rows that read each token's logit."""
        weight: Tensor = self.model.get_output_embeddings().weight
        return weight.detach()

    @cached_property
    def mean_unembedding(self) -> Float[Tensor, " d_model"]:
        """The mean of all tokens' rows: what all logits have in common."""
        ones = self.unembedding.new_ones(AT_ONCE)  # by products: half the time of Tensor.mean, as exact
        sums = [ones[: len(rows)] @ rows for rows in self.unembedding.split(AT_ONCE)]
        return torch.stack(sums).sum(0) / len(self.unembedding)

    @cached_property
    def coarse_unembedding(self) -> Float[Tensor, "vocab d_model"]:
        """The same rows in sixteen bits: half as much to read for each token that is written."""
        return self.unembedding.to(torch.bfloat16)

    @cached_property
    def chat(self) -> ChatFormat:
        """How the model wants a conversation written, where it brings a template."""
        return ChatFormat(self.name, self.tokenizer)

    def encode(self, text: str, limit: int) -> Int[Tensor, " pos"]:
        """Token ids as the tokeniser makes them, with one <bos> where the model has one.

        A begin token pasted with the text (Neuronpedia's files hold it) is not a second one. Raises TextError
        when the text is empty or has more than `limit` tokens.
        """
        if not text.strip():
            raise TextError("The text is empty. Give at least one word to continue.")
        if len(text) > 100 * limit:  # never tokenise a novel to find out that it is too long
            raise TextError(self._too_long(len(text) // 4, limit, "about "))
        ids: Tensor = self.tokenizer(text, return_tensors="pt").input_ids[0]
        bos = self.tokenizer.bos_token_id
        while bos is not None and len(ids) > 1 and int(ids[0]) == int(ids[1]) == bos:
            ids = ids[1:]
        if not len(ids):
            raise TextError(
                f"The text {text!r} holds no token of the model. Give at least one word to continue."
            )
        if len(ids) == 1 and int(ids[0]) == bos:
            raise TextError("The text is only a begin token. Give at least one word to continue.")
        if len(ids) > limit:
            raise TextError(self._too_long(len(ids), limit))
        return self._known(ids).to(self.unembedding.device)

    def _known(self, ids: Int[Tensor, " pos"]) -> Int[Tensor, " pos"]:
        """The ids; raises TextError where the tokeniser has tokens that the model has not."""
        if len(ids) and int(ids.max()) >= (rows := len(self.unembedding)):
            token = self.tokenizer.decode([int(ids.max())])
            raise TextError(
                f"{token!r} is a token of the tokeniser, but the model has no weights for it (it has "
                f"{rows:,} tokens). Leave it out, or give the tokeniser that belongs to the model."
            )
        return ids

    def _too_long(self, got: int, limit: int, about: str = "") -> str:
        # one layer's attention pattern a few times over, and every layer's keys and values, in float32
        shape = self.shape
        kept = 2 * self.layers * got * shape.kv_heads * shape.d_head
        need = 4 * (PATTERNS * shape.heads * got**2 + kept) / 1e9
        return (
            f"The text has {about}{got:,} tokens; the limit here is {limit:,}. Shorten it, or raise "
            f"ASKCIRCUIT_MAX_TOKENS: a text this long needs about {max(need, 0.1):,.1f} GB beside the model."
        )

    def has_bos(self, ids: Int[Tensor, " pos"]) -> bool:
        """Whether position 0 is the model's begin-of-sequence token."""
        bos = self.tokenizer.bos_token_id
        return bos is not None and len(ids) > 1 and int(ids[0]) == bos

    def pasted_bos(self, text: str) -> str:
        """The begin token where a text spells it out and the tokeniser adds it itself; else empty."""
        bos = self.tokenizer.bos_token
        adds = bos and self.tokenizer("a").input_ids[:1] == [self.tokenizer.bos_token_id]
        return str(bos) if adds and text.startswith(bos) else ""

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """Each token as text, leading spaces kept; bytes that are only part of a character as <0xF0>."""
        for i in ids:
            if i not in self.spelled:
                text = str(self.tokenizer.decode([i]))
                name = self.tokenizer.convert_ids_to_tokens(int(i)) if UNKNOWN in text else None
                self.spelled[i] = text if name is None else spell_bytes(str(name)) or text
        return [self.spelled[i] for i in ids]

    def pieces(self, text: str) -> list[int]:
        """The ids of a piece of text in the middle of a sequence (no <bos>).

        A token that is part of a character may be given as `token_texts` spells it.
        """
        if BYTES.search(text):
            named = [self.tokenizer.convert_tokens_to_ids(name) for name in vocabulary_names(text)]
            found = [i for i in named if i is not None and self.token_texts([i]) == [text]]
            if found:
                return found[:1]
        ids = self.tokenizer(text, add_special_tokens=False).input_ids
        return self._known(torch.tensor(ids, dtype=torch.long)).tolist()

    @torch.no_grad()
    def logits(self, ids: Int[Tensor, " pos"]) -> Float[Tensor, " vocab"]:
        """The next-token logits after the text."""
        out = self.model(ids[None], use_cache=False, logits_to_keep=1)
        logits: Tensor = out.logits[0, -1]
        return logits

    def read_logits(
        self,
        seen: Float[Tensor, "*batch d_model"],
        tokens: Sequence[int] | slice | None = None,
        *,
        softcap: bool = True,
    ) -> Float[Tensor, "*batch token"]:
        """Logits of these tokens (all where none are named) from a final stream behind the final norm."""
        head = self.model.get_output_embeddings()
        if tokens is None:
            logits: Tensor = head(seen)
        else:
            rows, bias = tokens if isinstance(tokens, slice) else list(tokens), getattr(head, "bias", None)
            logits = F.linear(seen, head.weight[rows], None if bias is None else bias[rows])
        return self.cap(logits) if softcap else logits

    def cap(self, logits: Tensor) -> Tensor:
        """Logits behind the model's soft cap, where it has one."""
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return torch.tanh(logits / cap) * cap if cap else logits

    def recall(self, known: Sequence[tuple[Tensor, Tensor]]) -> Any:
        """The model's own cache, as if it had read what left these keys and values behind, layer by layer."""
        cache = DynamicCache(config=self.model.config)
        for index, (key, value) in enumerate(known):
            cache.update(key, value, index)
        return cache

    def top(self, logits: Float[Tensor, " vocab"], k: int) -> list[Prediction]:
        """The k most probable next tokens."""
        p = logits.double().softmax(-1)
        best = p.topk(min(k, len(p)))
        texts = self.token_texts(best.indices.tolist())
        return [
            Prediction(text, int(i), float(v))
            for text, i, v in zip(texts, best.indices, best.values, strict=True)
        ]


def load(
    model: str = EMBEDDED,
    *,
    cache: Path,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    threads: int | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Model:
    """Load the embedded model, a folder, a GGUF file or a Hugging Face id.

    Raises ModelError with one sentence when it cannot be found or read, UnsupportedFamily when its
    architecture has no row in `tracer.models.families`.
    """
    if threads is not None:
        torch.set_num_threads(threads)  # a setting of the process: said here, where the model comes in
    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # or every retry is a line on the screen
    name, folder = _locate(model, cache, progress)
    config = read_config(model, folder)
    code = tell_code(model, folder)
    family = family_for(getattr(config, "text_config", None) or config, code)
    try:
        with ThreadPoolExecutor(1) as pool:  # reading 262,144 tokens takes as long as reading the weights
            reading = pool.submit(_tokenizer, folder)
            check_stored(model, folder, config)
            network = read_weights(model, folder, config, dtype)
            network.requires_grad_(False).eval().to(device)
            _page_in(network)  # while the tokeniser is still being read
            tokenizer = reading.result()
    except ModelError:
        raise
    except Exception as exc:  # readers of many formats: each has errors of its own
        raise explain_unreadable(model, exc) from exc
    if not (Path(folder) / MARK).exists():  # what we made ourselves was looked at then
        check_finite(model, network)
    subject = Model(name, network, tokenizer, family, code)
    try:
        _ = subject.mean_unembedding, subject.folded  # the same for every text: not made in the first trace
    except (RuntimeError, AttributeError, TypeError) as exc:  # matrices of other shapes than the family's
        raise UnsupportedFamily(
            f"The model {name!r} is of the family {family.name} by its name, but its weights cannot be read "
            f"as that family's: {first_line(exc)}"
        ) from exc
    return subject


def _tokenizer(folder: str) -> Any:
    """The tokeniser of a folder or hub id; what reading it left behind is given back."""
    if (Path(folder) / MARK).exists():
        # we wrote it, so it is whole: half the time and a third of the memory of building it from its parts,
        # and without reading its added tokens from 33 MB of JSON once more
        tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(folder, added_tokens_decoder={})
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    give_back_memory()
    return tokenizer


def _page_in(network: nn.Module) -> None:
    """Touch every page of mapped weights once, so that no first answer waits for the disk."""
    for weight in network.parameters():
        if weight.device.type == "cpu":
            for some in weight.detach().split(AT_ONCE):
                some.flatten()[:: PAGE // weight.element_size()].sum()


@dataclass(frozen=True)
class Vocabulary:
    """A subject's tokeniser alone, for reading token ids without the model."""

    tokenizer: Any

    @classmethod
    def of(cls, model: str, cache: Path) -> "Vocabulary":
        """Read the tokeniser; raises ModelError where it cannot be found or read."""
        _, folder = _locate(model, cache, lambda _done: None)
        try:
            return cls(_tokenizer(folder))
        except Exception as exc:  # as in load
            raise ModelError(f"The tokeniser of {model!r} cannot be read: {first_line(exc)}") from exc

    def text(self, ids: Sequence[int]) -> str:
        """The ids as text, leading spaces kept."""
        return str(self.tokenizer.decode(list(ids)))


def _locate(model: str, cache: Path, progress: Callable[[float], None]) -> tuple[str, str]:
    if model == EMBEDDED:
        return EMBEDDED_NAME, str(ensure_embedded(cache, progress))
    packaged = packaged_gguf(model)
    path = Path(model).expanduser()
    if packaged is not None:
        return packaged.stem, str(ensure_gguf(packaged, cache, progress))
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"There is no file {str(path)!r}.")
        return path.stem, str(ensure_gguf(path, cache, progress))
    if path.is_dir():
        return path.resolve().name, str(path)
    return model, model
