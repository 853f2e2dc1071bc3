"""What several test files build: a tiny subject with a real (word-level) tokeniser, frozen on a text."""

from typing import Any

import torch

FAMILIES = ("gemma3", "gemma2", "gemma2 capped", "llama", "mistral", "qwen2", "qwen3", "gpt2", "gpt_neox")
WORDS = 97


def words_tokenizer() -> Any:
    """A tokeniser of the words w0 to w96; it has no special token."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0")


def tiny_subject(tiny: Any, family: str) -> Any:
    """A random decoder as a subject."""
    from tracer.families import family_of
    from tracer.subject import Subject

    model = tiny(family)
    return Subject(f"tiny-{family}", model, words_tokenizer(), family_of(model.config.model_type))


def freeze_words(subject: Any, length: int = 9) -> Any:
    """A subject's forward pass on a random text."""
    from tracer.frozen import freeze

    return freeze(subject, torch.randint(0, WORDS, (length,), generator=torch.Generator().manual_seed(3)))


def tiny_frozen(tiny: Any, family: str, length: int = 9) -> Any:
    """A tiny subject's forward pass on a random text."""
    return freeze_words(tiny_subject(tiny, family), length)


def random_transcoders(
    frozen: Any, *, kind: str = "relu", span: int = 1, skip: bool = False, reads: Any = None, width: int = 24
) -> Any:
    """Transcoders for a frozen text, one a layer, about a third of their features active."""
    from tracer.transcoders import Held, Nonlinearity, Reads, Transcoder, Transcoders

    random = torch.Generator().manual_seed(11)
    like = frozen.embedded
    d_model, layers = like.shape[1], len(frozen.layers)

    def draw(*shape: int) -> Any:
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(like) / d_model**0.5

    made = []
    for index in range(layers):
        steps = min(span, layers - index)
        threshold = draw(width).abs() if kind == "jumprelu" else None
        made.append(
            Transcoder(
                encoder=Held(draw(width, d_model)),
                encoder_bias=draw(width) - 0.3,
                decoder=Held(draw(width, d_model) if span == 1 else draw(width, steps, d_model)),
                decoder_bias=draw(d_model),
                nonlinearity=Nonlinearity(threshold, 7 if kind == "topk" else None),
                skip=draw(d_model, d_model) if skip else None,
            )
        )
    return Transcoders(tuple(made), reads or Reads.MLP)
