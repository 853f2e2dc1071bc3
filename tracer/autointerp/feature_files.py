"""Descriptions of all features of a subject as three compressed files: labels, contexts, vectors.

`labels` is small and read on first use; `contexts` and `vectors` only when they are asked for. All are
safetensors behind a compressor, so nothing in them is executed; a `format` number says who can read them.
"""

import gzip
import hashlib
import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tracer.errors import GraphError

FORMAT = 1
LABELS, CONTEXTS, VECTORS = "labels.safetensors.gz", "contexts.safetensors.xz", "vectors.safetensors.xz"
LARGEST = 1 << 30  # bytes a file may unpack to

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class FeatureFiles:
    """Descriptions in a folder; (layer, n, sign) is number 2 * (layer * neurons + n) + (is negative)."""

    folder: Path
    about: dict[str, Any]
    labels: list[str]
    arrays: Arrays = field(repr=False)

    @property
    def revision(self) -> str:
        """Tells these labels from others of the same model."""
        text = "\n".join(self.labels).encode("utf-8", "replace")
        return f"{self.about.get('corpus', '')}-{hashlib.sha256(text).hexdigest()[:12]}"

    @property
    def layers(self) -> int:
        """How many layers are described."""
        return int(self.about["layers"])

    @property
    def neurons(self) -> int:
        """How many neurons a layer has."""
        return int(self.about["neurons"])

    def number(self, layer: int, neuron: int, sign: str) -> int | None:
        """The number of a feature, None where it is not one of these."""
        if not (0 <= layer < self.layers and 0 <= neuron < self.neurons and sign in "+-"):
            return None
        return 2 * (layer * self.neurons + neuron) + (sign == "-")

    def place(self, number: int) -> tuple[int, int, str]:
        """(layer, neuron, sign) of a number."""
        layer, rest = divmod(number, 2 * self.neurons)
        return layer, rest // 2, "+-"[rest % 2]

    def contexts(self) -> Arrays:
        """Contexts and their activations, read now."""
        return _unpacked(self.folder / CONTEXTS)

    def vectors(self) -> Arrays:
        """Vectors of the distinct labels, and how to get at them, read now."""
        return _unpacked(self.folder / VECTORS)


def shipped_features(model: str) -> Path | None:
    """The folder of descriptions that comes with the package for this model, if there is one."""
    folder = Path(str(files("tracer"))) / "data" / model
    return folder if (folder / LABELS).is_file() else None


def read_features(folder: Path) -> FeatureFiles:
    """Open a folder of descriptions; raises GraphError where it cannot be read or has another format."""
    arrays = _unpacked(folder / LABELS)
    try:
        about = json.loads(bytes(arrays.pop("about")).decode())
        labels = bytes(arrays.pop("text")).decode().split("\n")
    except (KeyError, ValueError) as exc:
        raise GraphError(f"{str(folder)!r} holds no descriptions of features.") from exc
    if about.get("format") != FORMAT:
        raise GraphError(
            f"The descriptions in {str(folder)!r} have format {about.get('format')}; "
            f"this version reads {FORMAT}. Describe the features again."
        )
    if len(labels) != 2 * about["layers"] * about["neurons"]:
        raise GraphError(f"The descriptions in {str(folder)!r} are damaged: labels are missing.")
    return FeatureFiles(folder, about, labels, arrays)


def write_features(
    folder: Path,
    about: Mapping[str, Any],
    labels: Sequence[str],
    arrays: Arrays,
    contexts: Arrays,
) -> None:
    """Write labels and contexts; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(label.replace("\n", " ") for label in labels)
    known = json.dumps({**about, "format": FORMAT}, sort_keys=True)
    small = {**arrays, "about": _bytes(known), "text": _bytes(text)}
    _write(folder / CONTEXTS, lzma.compress(_saved(contexts), preset=6))
    _write(folder / LABELS, gzip.compress(_saved(small), 9, mtime=0))


def write_vectors(folder: Path, vectors: Arrays) -> None:
    """Write the vectors beside them."""
    _write(folder / VECTORS, lzma.compress(_saved(vectors), preset=6))


def _saved(arrays: Arrays) -> bytes:
    """The bytes of a file; safetensors writes a buffer as it lies, so it must lie in order."""
    content: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return content


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def _unpacked(path: Path) -> Arrays:
    opened: Callable[[Path], Any] = gzip.open if path.suffix == ".gz" else lzma.open
    try:
        with opened(path) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise GraphError(f"{str(path)!r} unpacks to more than a gigabyte; it is no file of ours.")
        found: Arrays = load(content)
    except (OSError, EOFError, lzma.LZMAError, SafetensorError) as exc:
        raise GraphError(
            f"The descriptions in {str(path)!r} cannot be read; describe the features again."
        ) from exc
    return found
