"""Find a set of transcoders, a folder here or on the Hugging Face hub, and read its settings.

A set is circuit-tracer's (config.yaml, with or without a list of files) or a plain folder in one of the
layouts of `tracer.transcoders.weight_files`. Knows no model.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import yaml

from tracer.errors import TranscodersError
from tracer.transcoders.transcoders import Reads, Transcoder, Transcoders, no_transcoder
from tracer.transcoders.weight_files import (
    list_numbered,
    read_cross_layer,
    read_layer,
    read_scope_2_cross_layer,
    read_tensor,
    sort_by_layer,
    tensor_names,
)

ALIASES = {"gemma": "mwhanna/gemma-scope-transcoders", "llama": "mntss/transcoder-Llama-3.2-1B"}
WRITES = {"hook_mlp_out": False, "mlp.hook_out": True}  # hook: before a norm behind the MLP?
SCOPE_2_HOOKS = {  # Gemma Scope 2's own config.json
    "pre_feedforward_layernorm.output": "mlp.hook_in",
    "post_feedforward_layernorm.output": "hook_mlp_out",
}
WEIGHTS = ("*.safetensors", "*params.npz", "layer_*/config.json")

Fetch = Callable[[str], Path]  # an entry of a set's list of files -> where it lies here


def load_transcoders(where: str, *, hub_cache: Path | None = None, here_only: bool = False) -> Transcoders:
    """A folder, or a hub id: org/repo, org/repo/subfolder, either with @revision.

    Layers below the last that have no file get no features (`TranscodersOption.missing`). `here_only`
    downloads nothing. Raises TranscodersError, one sentence, when it cannot be found, read or understood.
    """
    folder, name = Path(where).expanduser(), where
    if folder.is_dir():
        name = folder.resolve().name
    else:
        folder = _download(ALIASES.get(where, where), hub_cache, here_only)
    config = _settings(folder)
    reads, before_post_norm = _hooks(folder, config)
    assumed = not {"feature_input_hook", "feature_output_hook"} <= config.keys()
    layers = _layers(folder, config, lambda entry: _file(entry, folder, hub_cache, here_only))
    if not layers:
        raise TranscodersError(f"{folder} holds no transcoders in a layout that is known here.")
    model = config.get("model_name")
    return Transcoders(layers, reads, before_post_norm, name, None if model is None else str(model), assumed)


def _layers(folder: Path, config: dict[str, Any], fetch: Fetch) -> tuple[Transcoder, ...]:
    listed = {layer: fetch(entry) for layer, entry in _read_listed_files(folder, config).items()}
    k, some = _k(folder, config), next(iter(listed.values()), None)
    cross_layer = config.get("model_kind") == "cross_layer_transcoder"
    if some is not None and (cross_layer or _is_scope_2_cross_layer(some)):
        return _no_top_k(folder, k, read_scope_2_cross_layer(list(listed.values())))
    if any(folder.glob("W_enc_*.safetensors")):
        return _no_top_k(folder, k, read_cross_layer(folder))
    if shards := list_numbered(folder, "params_layer_*.safetensors"):
        return _no_top_k(folder, k, read_scope_2_cross_layer(shards))
    read = {layer: read_layer(path, k) for layer, path in (listed or _layer_files(folder)).items()}
    widths = [len(layer.decoder_bias) for layer in read.values()]
    return tuple(read.get(layer) or no_transcoder(widths[0]) for layer in range(max(read, default=-1) + 1))


def _no_top_k(folder: Path, k: int | None, layers: tuple[Transcoder, ...]) -> tuple[Transcoder, ...]:
    if k is not None:
        raise TranscodersError(
            f"{folder} is a cross-layer set with TopK, which chooses among the features of all layers "
            "together; such sets cannot be traced yet. Sets with ReLU or JumpReLU can."
        )
    return layers


def _layer_files(folder: Path) -> dict[int, Path]:
    """One file a layer: layer_N.safetensors, or Gemma Scope's layer_N…/…/params.npz or .safetensors."""
    if files := sort_by_layer(folder, "layer_*.safetensors"):
        return files
    found: dict[int, Path] = {}
    for path in sorted([*folder.glob("layer_*/**/params.npz"), *folder.glob("layer_*/params.safetensors")]):
        number = int(re.findall(r"^layer_(\d+)", path.relative_to(folder).parts[0])[0])
        if number in found:
            raise TranscodersError(
                f"{folder} has more than one set: {found[number].parent.name} and {path.parent.name} are "
                f"both of layer {number}. List the files you mean in a config.yaml."
            )
        found[number] = path
    return found


def _is_scope_2_cross_layer(path: Path) -> bool:
    return "w_dec" in tensor_names(path) and read_tensor(path, "w_dec").ndim == 3


def _settings(folder: Path) -> dict[str, Any]:
    """config.yaml, or what Gemma Scope 2's config.json says in its words."""
    path = folder / "config.yaml"
    try:
        if path.is_file():
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
            if isinstance(config, dict):
                return config
            raise TranscodersError(f"{path} is no table of settings.")
        found = sorted([*folder.glob("config.json"), *folder.glob("layer_*/config.json")])
        return _scope_2_settings(json.loads(found[0].read_text(encoding="utf-8"))) if found else {}
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise TranscodersError(f"The settings in {folder} cannot be read.") from exc


def _scope_2_settings(config: dict[str, Any]) -> dict[str, Any]:
    settings = {"model_name": config.get("model_name")}
    for name, ours in (
        ("hf_hook_point_in", "feature_input_hook"),
        ("hf_hook_point_out", "feature_output_hook"),
    ):
        if name in config:
            hook = str(config[name])
            settings[ours] = next((v for end, v in SCOPE_2_HOOKS.items() if hook.endswith(end)), hook)
    return settings


def _hooks(folder: Path, config: dict[str, Any]) -> tuple[Reads, bool]:
    """What is read, and whether what is written passes a norm. Gemma Scope's plain folders say nothing."""
    plain = Reads.NORMALIZED if any(folder.glob("layer_*/**/params.npz")) else Reads.MLP
    reads = str(config.get("feature_input_hook", plain))
    writes = str(config.get("feature_output_hook", "hook_mlp_out"))
    if reads not in set(Reads) or writes not in WRITES:
        known = ", ".join([*Reads, *WRITES])
        raise TranscodersError(f"{folder} reads {reads!r} and writes {writes!r}; known are {known}.")
    return Reads(reads), WRITES[writes]


def _k(folder: Path, config: dict[str, Any]) -> int | None:
    match config.get("activation"):
        case None | "relu" | "jump_relu" | "jumprelu":
            return None
        case "topk" if isinstance(config.get("k"), int) and config["k"] > 0:
            return int(config["k"])
        case "topk":
            raise TranscodersError(f"{folder} uses TopK without saying its k.")
        case other:
            raise TranscodersError(
                f"{folder} uses the activation {other!r}; known are relu, jump_relu, topk."
            )


def _read_listed_files(folder: Path, config: dict[str, Any]) -> dict[int, str]:
    """The files a config.yaml lists, by layer; older ones list {id, layer, filepath}."""
    listed = config.get("transcoders") or []
    if all(isinstance(entry, str) for entry in listed):
        return dict(enumerate(listed))
    try:
        found = {int(entry["layer"]): str(entry["filepath"]) for entry in listed}
        if len(found) < len(listed) or min(found) < 0:
            raise ValueError(found)
        return dict(sorted(found.items()))
    except (KeyError, TypeError, ValueError) as exc:
        raise TranscodersError(
            f"The list of transcoders in {folder / 'config.yaml'} cannot be read."
        ) from exc


def _file(entry: str, folder: Path, hub_cache: Path | None, here_only: bool) -> Path:
    if not entry.startswith("hf://"):
        return folder / entry
    from huggingface_hub import hf_hub_download

    uri = urlparse(entry)
    owner, _, rest = f"{uri.netloc}{uri.path}".partition("/")
    name, _, path = rest.partition("/")
    revision = parse_qs(uri.query).get("revision", [None])[0]
    try:
        place = hf_hub_download(
            f"{owner}/{name}", path, revision=revision, cache_dir=hub_cache, local_files_only=here_only
        )
        return Path(place)
    except (OSError, ValueError) as exc:  # the hub's own errors are both
        raise TranscodersError(
            f"The transcoder file {entry} is neither cached nor can it be reached."
        ) from exc


def _download(where: str, hub_cache: Path | None, here_only: bool) -> Path:
    """The settings of a set on the hub and, where they list no files, its weights (not the example texts)."""
    from huggingface_hub import snapshot_download

    name, _, revision = where.partition("@")
    owner, _, rest = name.partition("/")
    repo, _, below = rest.partition("/")

    def fetch(*patterns: str) -> Path:
        wanted = [f"{below}/{pattern}" if below else pattern for pattern in patterns]
        place = snapshot_download(
            f"{owner}/{repo}",
            revision=revision or None,
            allow_patterns=wanted,
            cache_dir=hub_cache,
            local_files_only=here_only,
        )
        return Path(place) / below

    try:
        folder = fetch("config.yaml", "config.json")
        return folder if _settings(folder).get("transcoders") else fetch("config.*", *WEIGHTS)
    except (OSError, ValueError) as exc:
        raise TranscodersError(
            f"The transcoders {where!r} were not found: neither a folder here, nor a Hugging Face set that "
            "is cached or can be reached (HF_HUB_OFFLINE may be set)."
        ) from exc
