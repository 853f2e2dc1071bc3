"""Lenses on disk: safetensors of our own, packed for shipping or plain, and the public `.pt` artefact.

A public artefact is a dictionary `J` {layer: [d_model, d_model] float16}, `n_prompts`, `source_layers`,
`d_model` and maybe `metadata`; it is read with `weights_only=True`, so nothing in it is executed. Hub ids are
resolved through the local cache only.
"""

import json
import pickle
import re
import zipfile
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tracer.lens.errors import LensError
from tracer.lens.values import About, Background, Lens

FORMAT = 1
ABOUT = tuple(field.name for field in fields(About))
SHIPPED = "lens.safetensors"
STEPS = 127  # of an 8-bit number on either side
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
PUBLIC = "neuronpedia/jacobian-lens"  # the hub repository that holds public artefacts


def shipped_lens(model: str) -> Path | None:
    """The lens that comes with the package for this model, if there is one."""
    path = Path(str(files("tracer"))) / "data" / model / SHIPPED
    return path if path.is_file() else None


def write_lens(path: Path, lens: Lens, *, packed: bool = False) -> None:
    """Write the file whole or not at all: float16, or `packed` to 8 bits a number with a scale a row."""
    tensors: dict[str, Tensor] = {}
    for layer, matrix in lens.matrices.items():
        if layer == lens.last:
            continue
        if packed:
            tensors |= {f"{name}_{layer}": part for name, part in _packed(matrix.float()).items()}
        else:
            tensors[f"J_{layer}"] = matrix.to(torch.float16).contiguous()
    if lens.background is not None:
        tensors["mean"] = lens.background.mean.to(torch.float16)
        tensors["factor"] = lens.background.factor.to(torch.float16)
        tensors["rest"] = lens.background.rest.to(torch.float16)
    about = {name: json.dumps(value) for name, value in asdict(lens.about).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, {**about, "format": str(FORMAT)})
    part.replace(path)


def write_public(path: Path, lens: Lens) -> None:
    """Write the public `.pt` artefact (float16, all layers but the last)."""
    layers = [layer for layer in lens.layers if layer != lens.last]
    payload = {
        "J": {layer: lens.matrix(layer).to(torch.float16) for layer in layers},
        "n_prompts": lens.about.texts,
        "source_layers": layers,
        "d_model": lens.about.d_model,
        "metadata": asdict(lens.about),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save(payload, part)
    part.replace(path)


def read_lens(source: str | Path) -> Lens:
    """A lens from a file of either kind, or `org/name/file.pt` of the hub as far as it is cached here.

    Raises LensError where it cannot be found or read.
    """
    path = Path(source).expanduser()
    if not path.is_file():
        path = _cached(str(source))
    return _read_public(path) if path.suffix in {".pt", ".pth", ".bin"} else _read_own(path)


def check_lens(lens: Lens, *, model: str, d_model: int, n_layers: int, vocabulary: int = 0) -> None:
    """Raise LensError where the lens is of a model of another width, depth or vocabulary."""
    about = lens.about
    for what, own, wanted in (
        ("numbers a position", about.d_model, d_model),
        ("layers", about.n_layers, n_layers),
        ("tokens in its vocabulary", about.vocabulary, vocabulary),
    ):
        if own and wanted and own != wanted:
            raise LensError(
                f"This lens was fitted for {about.model or 'another model'}, which has {own:,} {what}; "
                f"{model} has {wanted:,}. Give a lens that was fitted for {model}, or fit one."
            )


def _packed(matrix: Float[Tensor, "d_model d_model"]) -> dict[str, Tensor]:
    """8 bits a number: the diagonal apart, rows and columns scaled, as a few columns are far larger."""
    diagonal = matrix.diagonal().clone()
    rest = matrix - torch.diag(diagonal)
    tiny = torch.finfo(torch.float32).tiny
    columns = rest.pow(2).mean(0).sqrt().clamp_min(tiny)
    rest = rest / columns
    rows = (rest.abs().amax(1) / STEPS).clamp_min(tiny)
    whole = (rest / rows[:, None]).round().to(torch.int8)
    return {"J": whole, "rows": rows, "columns": columns, "diagonal": diagonal}


def _unpacked(tensors: dict[str, Tensor], layer: int) -> Tensor:
    """A layer's matrix, as it was written or packed."""
    matrix = tensors[f"J_{layer}"]
    if f"rows_{layer}" not in tensors:
        return matrix
    rows, columns, diagonal = (tensors[f"{name}_{layer}"] for name in ("rows", "columns", "diagonal"))
    return matrix.float() * rows[:, None] * columns + torch.diag(diagonal)


def _read_own(path: Path) -> Lens:
    try:
        with safe_open(path, "pt") as file:
            known = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    except (OSError, SafetensorError) as exc:
        raise LensError(f"The lens {str(path)!r} cannot be read: it is damaged or no lens.") from exc
    if known.get("format") != str(FORMAT):
        raise LensError(
            f"The lens {str(path)!r} has format {known.get('format')}; this version reads {FORMAT}."
        )
    about = About(
        **{field.name: json.loads(known[field.name]) for field in fields(About) if field.name in known}
    )
    layers = [int(name[2:]) for name in tensors if name.startswith("J_")]
    matrices = {layer: _unpacked(tensors, layer) for layer in layers}
    _check_shapes(path, matrices, about.d_model)
    background = None
    if "factor" in tensors:
        background = Background(*(tensors[name].float() for name in ("mean", "factor", "rest")))
    return Lens(matrices, about, background)


def _read_public(path: Path) -> Lens:
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError(path)
        payload: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as exc:
        raise LensError(f"The lens {str(path)!r} cannot be read: it is damaged or no lens.") from exc
    if not isinstance(payload, dict) or not isinstance(payload.get("J"), dict) or not payload["J"]:
        raise LensError(f"The file {str(path)!r} is no lens: it has no matrices under 'J'.")
    matrices = {int(layer): matrix for layer, matrix in payload["J"].items() if isinstance(matrix, Tensor)}
    said = payload.get("metadata")
    known = {
        field.name: said[field.name]
        for field in fields(About)
        if isinstance(said, dict) and field.name in said
    }
    d_model = int(payload.get("d_model") or next(iter(matrices.values())).shape[0])
    _check_shapes(path, matrices, d_model)
    usual = {"model": "", "n_layers": max(matrices) + 2, "tokens": 0}  # fitted for all layers but the last
    about = About(**{**usual, **known, "d_model": d_model, "texts": int(payload.get("n_prompts") or 0)})
    return Lens(matrices, about)


def _check_shapes(path: Path, matrices: dict[int, Tensor], d_model: int) -> None:
    wrong = [tuple(m.shape) for m in matrices.values() if tuple(m.shape) != (d_model, d_model)]
    if not matrices or wrong:
        raise LensError(
            f"The lens {str(path)!r} is damaged: it says {d_model} numbers a position, "
            f"its matrices are {' by '.join(map(str, wrong[0])) if wrong else 'missing'}."
        )


def _cached(source: str) -> Path:
    """A file of the hub that is in this machine's cache: `org/name/path.pt`, or a piece of its path."""
    from huggingface_hub import try_to_load_from_cache

    parts = source.split("/", 2)
    if len(parts) == 3 and HUB_ID.fullmatch("/".join(parts[:2])):
        found = try_to_load_from_cache("/".join(parts[:2]), parts[2])
        if isinstance(found, str):
            return Path(found)
    raise LensError(
        f"There is no lens {source!r}: it is neither a file here nor in this machine's Hugging Face cache "
        f"(such as {PUBLIC}/MODEL/jlens/Salesforce-wikitext/MODEL_jacobian_lens.pt)."
    )
