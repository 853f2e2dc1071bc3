"""What several test files build: a tiny subject with a real (word-level) tokeniser, frozen on a text."""

from typing import Any

import torch

FAMILIES = ("gemma3", "gemma2", "gemma2 capped", "llama", "mistral", "qwen2", "qwen3", "gpt2", "gpt_neox")
WORDS = 97


def tiny_subject(tiny: Any, family: str) -> Any:
    """A random decoder as a subject."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    from tracer.families import family_of
    from tracer.subject import Subject

    words = Tokenizer(WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))
    words.pre_tokenizer = Whitespace()
    model = tiny(family)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0")
    return Subject(f"tiny-{family}", model, tokenizer, family_of(model.config.model_type))


def freeze_words(subject: Any, length: int = 9) -> Any:
    """A subject's forward pass on a random text."""
    from tracer.frozen import freeze

    return freeze(subject, torch.randint(0, WORDS, (length,), generator=torch.Generator().manual_seed(3)))


def tiny_frozen(tiny: Any, family: str, length: int = 9) -> Any:
    """A tiny subject's forward pass on a random text."""
    return freeze_words(tiny_subject(tiny, family), length)
