"""Read one layer's transcoder in every published layout; its tables stay on disk until rows are wanted.

Layouts: circuit-tracer's layer_N.safetensors, W_enc_N and W_dec_N of cross-layer sets, Gemma Scope's
params.npz, Gemma Scope 2's params.safetensors and params_layer_N.safetensors. Knows no set of layers
(`tracer.transcoders.hub`).
"""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tracer.errors import TranscodersError
from tracer.transcoders.transcoders import Nonlinearity, Transcoder


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table in a file, opened anew each time so that its pages are given back after use."""

    path: Path
    name: str
    transposed: bool = False  # stored (d_model, feature)
    first: int = 0  # the first slot of the second axis that counts

    def whole(self) -> Tensor:
        """All rows, mapped."""
        table = read_tensor(self.path, self.name)
        if self.transposed:
            table = table.T
        return table[:, self.first :] if self.first else table

    def pick(self, features: Tensor) -> Tensor:
        """The rows of these features."""
        return self.whole()[features.to("cpu")]


def read_tensor(path: Path, name: str) -> Tensor:
    """One tensor of a .safetensors or .npz file, mapped where the file allows it."""
    if path.suffix == ".npz":
        return _read_npz(path, name)
    with safe_open(path, "pt") as file:
        tensor: Tensor = file.get_tensor(name)
    return tensor


def _read_npz(path: Path, name: str) -> Tensor:
    """np.load cannot map inside a zip; but members are stored as they are, so their place is known."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            with np.load(path, allow_pickle=False) as arrays:
                return torch.from_numpy(arrays[name])
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
        file.seek(int(lengths.sum()), 1)
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
        order = "F" if fortran else "C"
        array = np.memmap(path, dtype, "c", file.tell(), shape, order)  # type: ignore[call-overload]
    return torch.from_numpy(array)


def tensor_names(path: Path) -> set[str]:
    """What a file holds. Raises TranscodersError when it is missing or damaged."""
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return {name.removesuffix(".npy") for name in archive.namelist()}
        with safe_open(path, "pt") as file:
            return set(file.keys())
    except (OSError, ValueError, zipfile.BadZipFile, SafetensorError) as exc:
        raise TranscodersError(f"The transcoder file {path} is missing or damaged.") from exc


def read_layer(path: Path, k: int | None = None) -> Transcoder:
    """One per-layer transcoder; the layout is told by the names of its tensors."""
    scope_2 = "w_enc" in tensor_names(path)
    encoder, decoder = ("w_enc", "w_dec") if scope_2 else ("W_enc", "W_dec")
    names = _with(path, encoder, decoder, "b_enc", "b_dec")
    if "k" in names:  # circuit-tracer's own copies of TopK sets
        k = int(read_tensor(path, "k"))
    # circuit-tracer computes x @ W_skip.T, Gemma Scope 2 x @ affine_skip_connection
    skip = read_tensor(path, "W_skip").T if "W_skip" in names else None
    if "affine_skip_connection" in names:
        skip = read_tensor(path, "affine_skip_connection")
    threshold = next((t for t in ("activation_function.threshold", "threshold") if t in names), None)
    return _checked(
        path,
        Transcoder(
            encoder=FileTable(path, encoder, transposed=scope_2 or path.suffix == ".npz"),
            encoder_bias=read_tensor(path, "b_enc").clone(),
            decoder=FileTable(path, decoder),
            decoder_bias=read_tensor(path, "b_dec").clone(),
            nonlinearity=Nonlinearity(None if threshold is None else read_tensor(path, threshold).clone(), k),
            skip=None if skip is None else skip.clone(),
        ),
        slots=1,
    )


def _with(path: Path, *wanted: str) -> set[str]:
    """The names of a file's tensors, these among them."""
    names = tensor_names(path)
    if missing := sorted(set(wanted) - names):
        raise TranscodersError(f"{path} is no transcoder: it lacks {', '.join(missing)}.")
    return names


def _checked(path: Path, transcoder: Transcoder, slots: int) -> Transcoder:
    """Refuse tables that do not fit each other."""
    features, width = len(transcoder.encoder_bias), len(transcoder.decoder_bias)
    encoder, decoder = tuple(transcoder.encoder.whole().shape), tuple(transcoder.decoder.whole().shape)
    fits = {(features, width), (features, slots, width)} if slots == 1 else {(features, slots, width)}
    threshold = transcoder.nonlinearity.threshold
    if threshold is not None and threshold.numel() not in (1, features):
        raise TranscodersError(f"{path}: {threshold.numel()} thresholds for {features} features.")
    if encoder != (features, width) or decoder not in fits:
        raise TranscodersError(
            f"{path}: encoder {encoder} and decoder {decoder} do not fit "
            f"{features} features, {slots} layers and a stream {width} wide."
        )
    return transcoder


def read_cross_layer(folder: Path) -> tuple[Transcoder, ...]:
    """W_enc_N.safetensors and W_dec_N.safetensors, every layer to the last."""
    layers = list_numbered(folder, "W_enc_*.safetensors")
    return tuple(_read_cross_layer(path, index, len(layers)) for index, path in enumerate(layers))


def _read_cross_layer(path: Path, index: int, layers: int) -> Transcoder:
    decoder = path.with_name(f"W_dec_{index}.safetensors")
    names = _with(path, *(f"{name}_{index}" for name in ("W_enc", "b_enc", "b_dec")))
    _with(decoder, f"W_dec_{index}")
    threshold = f"threshold_{index}"
    return _checked(
        path,
        Transcoder(
            encoder=FileTable(path, f"W_enc_{index}"),
            encoder_bias=read_tensor(path, f"b_enc_{index}").clone(),
            decoder=FileTable(decoder, f"W_dec_{index}"),
            decoder_bias=read_tensor(path, f"b_dec_{index}").clone(),
            nonlinearity=Nonlinearity(read_tensor(path, threshold).clone() if threshold in names else None),
            skip=read_tensor(path, f"W_skip_{index}").clone() if f"W_skip_{index}" in names else None,
        ),
        slots=layers - index,
    )


def read_scope_2_cross_layer(paths: Sequence[Path]) -> tuple[Transcoder, ...]:
    """Gemma Scope 2's cross-layer set, one file a layer, decoder slots for all layers in each.

    The number of layers is that of the slots: published lists name the last file twice.
    """
    _with(paths[0], "w_dec")
    layers = read_tensor(paths[0], "w_dec").shape[1]
    if len(paths) not in (layers, layers + 1):
        raise TranscodersError(f"{paths[0].parent} has {len(paths)} files for {layers} layers.")
    found = []
    for index, path in enumerate(paths[:layers]):
        names = _with(path, "w_enc", "w_dec", "b_enc", "b_dec", "threshold")
        skip = (
            read_tensor(path, "affine_skip_connection").clone() if "affine_skip_connection" in names else None
        )
        transcoder = Transcoder(
            encoder=FileTable(path, "w_enc", transposed=True),
            encoder_bias=read_tensor(path, "b_enc").clone(),
            decoder=FileTable(path, "w_dec", first=index),
            decoder_bias=read_tensor(path, "b_dec").clone(),
            nonlinearity=Nonlinearity(read_tensor(path, "threshold").clone()),
            skip=skip,
        )
        found.append(_checked(path, transcoder, slots=layers - index))
    return tuple(found)


def sort_by_layer(folder: Path, pattern: str) -> dict[int, Path]:
    """Files by the number in their names, in order."""
    found = {int(n[-1]): path for path in folder.glob(pattern) if (n := re.findall(r"\d+", path.name))}
    return dict(sorted(found.items()))


def list_numbered(folder: Path, pattern: str) -> list[Path]:
    """Files numbered 0, 1, … in order; a gap is refused."""
    found = sort_by_layer(folder, pattern)
    missing = sorted(set(range(max(found, default=-1) + 1)) - set(found))
    if missing:
        raise TranscodersError(f"{folder} lacks {pattern} of layer {', '.join(map(str, missing))}.")
    return list(found.values())
