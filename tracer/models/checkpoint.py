"""A checkpoint read whole or refused: its configuration, and weights that all came from its files.

Never runs code that lies beside the weights. Knows nothing of what the model computes.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import safe_open
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from tracer.errors import ModelError
from tracer.models.malloc import free_memory
from tracer.models.placeholders import check_folder_is_model

MOST_LAYERS = 10_000
NUMBER = 4  # bytes: weights are held in float32
NAMED = 3  # weights that a sentence names
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BUFFERS = ("inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias")
CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json")
TEXT_PARTS = {  # checkpoints that hold a text model beside others: its config, and its weights' own names
    "gemma3": {
        r"^language_model\.model\.": "model.",
        r"^model\.language_model\.": "model.",
        r"^language_model\.lm_head\.": "lm_head.",
    }
}


def tell_code(model: str, folder: str) -> str:
    """The sentence on Python code that a model brings or names (auto_map); empty where it does neither."""
    place, named = _place(folder), set[str]()
    for name in CONFIGS:
        if _settings(place / name).get("auto_map"):
            named.add(name)
    if not named:
        return ""
    return (
        f"The model {model!r} names Python code of its own (auto_map in {' and '.join(sorted(named))}); that "
        "code is never run here."
    )


def read_config(model: str, folder: str) -> Any:
    """The model's configuration, from this machine if it is here, else from the hub.

    Raises ModelError where there is none, where it needs code of its own, or where the weights are stored
    in a form that is no matrix of numbers.
    """
    check_folder_is_model(model, Path(folder))
    try:
        config: Any = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as here:
        _refuse_code(model, here)
        if (Path(folder) / "config.json").is_file():
            raise ModelError(f"The config of {model!r} cannot be read: {first_line(here)}") from here
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError) as exc:
            _refuse_code(model, exc)
            raise ModelError(_not_found(model)) from exc
    except Exception as exc:  # whatever transformers makes of a damaged config
        refuse_quantised(model, _settings(_place(folder) / "config.json").get("quantization_config"))
        raise ModelError(f"The config of {model!r} cannot be read: {first_line(exc)}") from exc
    refuse_quantised(model, getattr(config, "quantization_config", None))
    config.return_dict = True  # some configs ask for bare tuples, which nothing here reads
    return config


def refuse_quantised(model: str, quantized: Any) -> None:
    """Refuse weights that are codes; `quantized` is what a config says of how they were made, or None."""
    if quantized is None:
        return
    told = quantized.get("quant_method") if isinstance(quantized, dict) else quantized
    method = told if isinstance(told, str) and told else "it does not say how"
    raise ModelError(
        f"The weights of {model!r} are quantised ({method}), and weights are read here as plain numbers. "
        "Give the model as it was before that, or as a GGUF file."
    )


def _settings(path: Path) -> dict[str, Any]:
    """A JSON file's settings; what cannot be read has none here and is told where it is needed."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


LOUD = ("modeling_utils", "distributed.tensor_parallel")  # what lists layers while a model is read


def read_weights(model: str, folder: str, config: Any, dtype: torch.dtype) -> Any:
    """The network with every weight from the checkpoint; raises ModelError naming what is missing.

    `config` may be that of a checkpoint's text part; what is not of the text is then left out.
    """
    names = TEXT_PARTS.get(str(config.model_type))
    with _quiet():
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config if names is None else config.text_config,
            dtype=dtype,
            attn_implementation="eager",
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # told below, by name
            output_loading_info=True,
            **({} if names is None else {"key_mapping": names}),
        )
    network, found = loaded
    check_whole(model, network, found, every=names is None)
    return network


def check_whole(model: str, network: Any, found: dict[str, Any], every: bool = True) -> None:
    """Refuse a network that holds a weight which is not the file's, or lacks one that is.

    `found` is what transformers says of the loading; with `every`, weights without a place are refused too.
    """
    missing = sorted(found["missing_keys"])
    unexpected = sorted(name for name in found["unexpected_keys"] if not name.endswith(BUFFERS))
    wrong = sorted(str(one[0]) for one in found["mismatched_keys"])
    if missing:
        count = sum(1 for _ in network.parameters())
        more = f" It holds {_some(unexpected)} instead, which has no place." if unexpected and every else ""
        raise ModelError(
            f"The model {model!r} is not whole: it lacks {len(missing)} of its weights ({count} tensors in "
            f"all), such as {_some(missing)}.{more} Nothing is explained of a model that is partly made up; "
            "get its files again."
        )
    if wrong:
        raise ModelError(
            f"The model {model!r} has weights of other shapes than its config says: {_some(wrong)}. Its "
            "files do not belong together; get them again."
        )
    if unexpected and every:
        raise ModelError(
            f"The model {model!r} holds {len(unexpected)} weights that its config has no place for, such as "
            f"{_some(unexpected)}: what is computed would not be that model. Give a config that fits."
        )


def check_finite(model: str, network: nn.Module) -> None:
    """Refuse weights that are no numbers; a sum of each tells."""
    for name, weight in network.named_parameters():
        if not torch.isfinite(weight.detach().sum(dtype=torch.float64)):
            raise ModelError(
                f"The model {model!r} cannot be used: its weight {name} holds values that are no numbers "
                "(NaN or infinite). Its file is damaged, or was made so; get it again."
            )


def check_stored(model: str, folder: str, config: Any) -> None:
    """Look at what the files hold before a network of the config's sizes is made.

    Raises ModelError where weights are stored as whole numbers (codes of a quantisation that no config speaks
    of), where the config claims more than there is, or where the weights do not fit into memory.
    """
    place = _place(folder)
    tensors = numbers = 0
    for path in sorted(place.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                stored = file.get_slice(name)
                kind = stored.get_dtype()
                if kind[:1] in "IUB" and not kind.startswith("BF") and not name.endswith(BUFFERS):
                    raise ModelError(
                        f"The model {model!r} holds its weight {name} as whole numbers ({kind}), which are "
                        "codes of a quantisation, and its config does not say of which. Give the model as it "
                        "was before that, or as a GGUF file."
                    )
                tensors, numbers = tensors + 1, numbers + prod(stored.get_shape())
    _check_claims(model, config, tensors, numbers)
    if NUMBER * numbers > (free := free_memory()):
        raise ModelError(
            f"The model {model!r} has {numbers / 1e6:,.0f} million weights: they take "
            f"{NUMBER * numbers / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. Close other "
            "programs, or take a smaller model."
        )


def _place(folder: str) -> Path:
    """Where a model's files are on this machine: the folder itself, or that of the hub's cache."""
    if (place := Path(folder)).is_dir():
        return place
    try:
        cached = try_to_load_from_cache(folder, "config.json")
    except ValueError:  # huggingface_hub's own error for what can be no id
        cached = None
    return Path(cached).parent if isinstance(cached, str) else place


def _check_claims(model: str, config: Any, tensors: int, numbers: int) -> None:
    """Refuse a config of more layers or larger matrices than the files hold (0 tensors: not known)."""
    text = getattr(config, "text_config", None) or config
    try:
        layers, width, vocab = int(text.num_hidden_layers), int(text.hidden_size), int(text.vocab_size)
        inner = int(getattr(text, "intermediate_size", None) or 0)
    except (AttributeError, TypeError, ValueError) as exc:
        raise ModelError(f"The config of {model!r} does not say how large the model is.") from exc
    most = tensors or MOST_LAYERS
    if layers > most:
        there = f"its files hold {tensors} tensors" if tensors else f"{most:,} are the most that are read"
        raise ModelError(
            f"The config of {model!r} claims {layers:,} layers, and {there}. Get its files again."
        )
    if tensors and (claimed := width * max(vocab, inner)) > numbers:
        raise ModelError(
            f"The config of {model!r} claims a matrix of {claimed:,} numbers, and its files hold {numbers:,} "
            "in all. They do not belong together; get them again."
        )


def explain_unreadable(model: str, exc: Exception) -> ModelError:
    """The sentence for a model that was found and of which a file cannot be read."""
    _refuse_code(model, exc)
    said = str(exc)
    if "Weights only load failed" in said:
        return ModelError(
            f"The model {model!r} comes as a pickle that holds more than weights: it could run code, so it "
            "is not opened. Give the model as safetensors."
        )
    if "backend tokenizer" in said or "load tokenizer" in said.lower():
        return ModelError(f"The model {model!r} has no tokeniser that can be read (tokenizer.json).")
    return ModelError(f"The model {model!r} was found but cannot be read: {first_line(exc)}")


def first_line(exc: BaseException) -> str:
    """What an error of another library says, short enough for a sentence, without colours."""
    lines = [_COLOUR.sub("", line).strip() for line in str(exc).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(exc).__name__


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} …"


def _refuse_code(model: str, exc: Exception) -> None:
    if "trust_remote_code" in str(exc) or "custom code" in str(exc):
        raise ModelError(
            f"The model {model!r} needs Python code that comes with it (auto_map), and code from a model is "
            "never run here. Give a model of a family that transformers knows by itself."
        ) from exc


def _not_found(model: str) -> str:
    return (
        f"The model {model!r} was not found: it is neither 'embedded', nor a folder or GGUF file here, "
        "nor a Hugging Face model that is cached or can be reached (HF_HUB_OFFLINE may be set)."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own report of what is missing: it is told in a sentence."""
    logs = [logging.getLogger(f"transformers.{name}") for name in LOUD]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
