"""Small transformers trained on the spot, on tasks whose data fix what can matter; a few seconds each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.planted.wiring import save_words

Batch = tuple[torch.Tensor, torch.Tensor]  # token ids (item, pos), the next token of each (item)


def trained(words: list[str], batch: Callable[[torch.Generator], Batch], layers: int, steps: int) -> Any:
    """A Llama of this many layers after `steps` steps of Adam on the last position's next token."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(words), hidden_size=48, intermediate_size=128, num_hidden_layers=layers,
            num_attention_heads=4, max_position_embeddings=16, bos_token_id=None, eos_token_id=None,
            attn_implementation="eager",
        )  # fmt: skip
        model = LlamaForCausalLM(config)
    random = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        ids, following = batch(random)
        logits = model(ids, logits_to_keep=1).logits[:, -1]
        loss = torch.nn.functional.cross_entropy(logits, following)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05, f"the training did not end: loss {loss.item():.3f}"
    return model.requires_grad_(False).eval()


def keyed(folder: Path) -> Path:
    """Trained on "noise key noise get" → the key's value: two layers, and noise that never matters."""
    keys, values, noise = ([f"{kind}{i}" for i in range(8)] for kind in ("key", "value", "noise"))
    words = [*keys, *values, *noise, "get", "?"]

    def batch(random: torch.Generator) -> Batch:
        key = torch.randint(8, (128,), generator=random)
        around = 16 + torch.randint(8, (128, 2), generator=random)
        get = torch.full((128,), words.index("get"))
        return torch.stack([around[:, 0], key, around[:, 1], get], 1), 8 + (key * 3 + 1) % 8

    trained(words, batch, layers=2, steps=250).save_pretrained(folder)
    save_words(folder, words, bos=None)
    return folder


def paired(folder: Path) -> Path:
    """Trained on "noise key noise key get" → the value of both keys' sum mod 5: no copying can say it."""
    keys, values, noise = ([f"{kind}{i}" for i in range(5)] for kind in ("key", "value", "noise"))
    words = [*keys, *values, *noise, "get", "?"]

    def batch(random: torch.Generator) -> Batch:
        a, b = torch.randint(5, (2, 128), generator=random)
        around = 10 + torch.randint(5, (128, 2), generator=random)
        get = torch.full((128,), words.index("get"))
        return torch.stack([around[:, 0], a, around[:, 1], b, get], 1), 5 + (a + b) % 5

    trained(words, batch, layers=2, steps=300).save_pretrained(folder)
    save_words(folder, words, bos=None)
    return folder


def clock(folder: Path) -> Path:
    """Trained on "hour a plus b is" → (a + b) mod 7, in one layer: only neurons at the end can matter."""
    numbers = [f"n{i}" for i in range(7)]
    words = ["hour", *numbers, "plus", "is", "?"]
    a, b = torch.cartesian_prod(torch.arange(7), torch.arange(7)).T
    every = torch.stack([torch.zeros(49).long(), 1 + a, torch.full((49,), 8), 1 + b, torch.full((49,), 9)], 1)

    def batch(_random: torch.Generator) -> Batch:
        return every, 1 + (a + b) % 7

    trained(words, batch, layers=1, steps=400).save_pretrained(folder)
    save_words(folder, words, bos=None)
    return folder
