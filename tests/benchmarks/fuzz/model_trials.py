"""Model folders and GGUF files that were changed: whatever is loaded computes what its files say."""

import json
import shutil
from pathlib import Path
from typing import Any

FOLDERS = ("llama", "mistral", "qwen3", "gemma", "gemma2", "gemma3", "gpt2", "gpt_neox", "starcoder2")
KINDS = ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "starcoder2", "gpt2")
DAMAGED = {"drop", "drop layer", "prefix", "nan", "inf", "shape", "int8", "extra", "cut", "none", "half"}
FEWER = {"num_hidden_layers", "n_layer", "tie_word_embeddings"}  # edits that may fit weights left out
CLOSE = 2e-3  # of the spread of the logits


class Wrong(Exception):
    """What came out is not as it must be."""


def save_models(folder: Path) -> None:
    """A tiny folder of every family, a tiny GGUF file of every kind."""
    from tests.conftest import build_tiny
    from tests.test_gguf_families import made
    from tests.tests_support import words_tokenizer
    from tests.tiny_gguf import write_as_llama_cpp

    for family in FOLDERS:
        build_tiny(family, layers=2, width=16).float().save_pretrained(folder / family)
        words_tokenizer().save_pretrained(folder / family)
    for kind in KINDS:
        write_as_llama_cpp(folder / f"{kind}.gguf", kind, made(kind))


def try_config(made: Any, given: dict[str, Any], room: Path) -> str:
    """A changed folder is refused, or its logits and its rows are right."""
    from tracer import TracerError, load

    folder, cache = room / "tmp" / "model", room / "tmp" / "cache"
    shutil.copytree(made.folder / given["family"], folder)
    _edit_config(folder, given)
    may_fit = FEWER & {name for name, _ in given["edits"]}
    damaged = _damage_weights(folder, given) in DAMAGED and not may_fit
    _damage_tokeniser(folder, given["tokeniser"])
    try:
        try:
            subject = load(str(folder), cache=cache)
        except TracerError as exc:
            if cache.exists():
                raise Wrong("a refused model left a file") from exc
            return check_sentence(exc)
        if damaged:
            raise Wrong("a damaged model was loaded")
        check_right(subject, folder)
        return "answered"
    finally:
        shutil.rmtree(room / "tmp" / "model")
        shutil.rmtree(cache, ignore_errors=True)


def _edit_config(folder: Path, given: dict[str, Any]) -> None:
    path = folder / "config.json"
    told = json.loads(path.read_text())
    for name, value in given["edits"]:
        told[name] = value
    path.write_text(json.dumps(told))
    if given["raw"]:
        path.write_bytes(given["raw"])


def _damage_weights(folder: Path, given: dict[str, Any]) -> str:
    from safetensors.torch import load_file, save_file

    path, how, where = folder / "model.safetensors", given["weights"], given["where"]
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: where % len(content)])
    elif how == "bytes":  # numbers are what they are: only whether it is read at all is asked
        at = where % len(content)
        path.write_bytes(content[:at] + bytes([where % 256]) + content[at + 1 :])
    elif how == "none":
        path.unlink()
    elif how == "half":  # one of two parts that an index names
        weights = load_file(path)
        index = {n: f"model-0000{1 + (i % 2)}-of-00002.safetensors" for i, n in enumerate(sorted(weights))}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
        some = {n: w for n, w in weights.items() if index[n].startswith("model-00001")}
        save_file(some, folder / "model-00001-of-00002.safetensors", {"format": "pt"})
        path.unlink()
    elif how:
        save_file(_change_weights(load_file(path), how, where), path, {"format": "pt"})
    return how


def _change_weights(weights: dict[str, Any], how: str, where: int) -> dict[str, Any]:
    import torch

    name = sorted(weights)[where % len(weights)]
    match how:
        case "drop":
            del weights[name]
        case "drop layer":
            return {n: w for n, w in weights.items() if ".1." not in n}
        case "prefix":
            return {f"module.{n}": w for n, w in weights.items()}
        case "nan" | "inf":
            weights[name].view(-1)[where % weights[name].numel()] = float(how)
        case "shape":
            weights[name] = torch.cat([weights[name], weights[name][:1]])
        case "int8":
            weights[name] = weights[name].to(torch.int8)
        case "extra":
            weights["model.layers.7.mlp.up_proj.weight"] = torch.zeros(3, 3)
    return weights


def _damage_tokeniser(folder: Path, how: str) -> None:
    path = folder / "tokenizer.json"
    if how == "no tokenizer":
        path.unlink()
    elif how == "broken tokenizer":
        path.write_text('{"model": {"type": "WordLevel"')
    elif how == "extra token":
        told = json.loads(path.read_text())
        told["model"]["vocab"]["w999"] = 500
        path.write_text(json.dumps(told))
    elif how == "auto_map":
        more = {"auto_map": {"AutoTokenizer": ["m.T", None]}, "tokenizer_class": "T"}
        settings = folder / "tokenizer_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | more))


def check_right(subject: Any, folder: Path) -> None:
    """The logits are transformers' own in float64 and the rows of the lead add up, on a text of 12 tokens."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from tracer.attribution import Units, direct_rows, freeze, logit_difference, neuron_sources

    rows = len(subject.unembedding)
    ids = torch.arange(3, 15) * 5 % rows
    most = getattr(subject.model.config, "max_position_embeddings", 64)
    ids = ids[: min(len(ids), int(most))]
    with torch.no_grad():
        frozen = freeze(subject, ids)
        answer, foil = (int(token) for token in frozen.logits.topk(2).indices)
        none = torch.zeros(0, dtype=torch.long)
        target = logit_difference(frozen, answer, foil)
        added = direct_rows(frozen, target, neuron_sources(frozen, Units(none, none, none)))
        off = float(((added.sum(1) - target.value).abs() / added.abs().sum(1).clamp_min(1e-30)).max())
        if not off < CLOSE:
            raise Wrong(f"rows are off by {off:.1e}")
        config = AutoConfig.from_pretrained(folder)
        config.return_dict = True
        own = AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=torch.float32, attn_implementation="eager"
        )
        want = own.eval()(ids[None], return_dict=True).logits[0, -1]
        far = float((frozen.logits - want).abs().max() / want.std().clamp_min(1e-9))
        if not far < CLOSE:
            raise Wrong(f"logits are off by {far:.1e}")


def try_header(made: Any, given: dict[str, Any], room: Path) -> str:
    """A changed GGUF file is refused by its header or its numbers, or what is unpacked is what it says."""
    from tests.benchmarks.fuzz.gguf_files import rewrite
    from tracer import TracerError, load, sizes_of
    from tracer.models import check_header
    from tracer.models.gguf_conversion import unpack

    path, out = room / "tmp" / "model.gguf", room / "tmp" / "out"
    changed = rewrite(made.folder / f"{given['kind']}.gguf", path, given)
    try:
        try:
            check_header(path)
            sizes_of(str(path))
        except TracerError as exc:
            return check_sentence(exc)
        try:
            unpack(str(path), str(out))
            subject = load(str(out), cache=room / "tmp" / "cache")
        except Exception:  # told in a sentence by the process that waits for it
            return "refused"
        if changed:
            raise Wrong(f"a damaged file was loaded: {changed}")
        check_right(subject, out)
        return "answered"
    finally:
        path.unlink()
        shutil.rmtree(out, ignore_errors=True)


def check_sentence(exc: Exception) -> str:
    """A refusal fit to show."""
    said = str(exc)
    if not said.strip() or len(said) > 2000 or "object at 0x" in said or "Traceback" in said:
        raise Wrong(f"no sentence: {said[:200]!r}")
    return "refused"
