"""Descriptions of all features of one subject, looked up by place or searched by meaning. Never writes.

Labels are in memory after 0.1 s; contexts and the index (a Chroma collection, made from the vectors that
come with the labels) only when they are first asked for. Filling a large index takes Chroma some ten
seconds, so a process of its own does that (`python -m agent.features.catalogue FEATURES INDEXES`); until it
is done, searches compare with all vectors.
"""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core import LibraryError, Vectors
from agent.features.vector_index import IndexBroken, IndexRows, StaticIndex
from tracer import FeatureFiles, TracerError, name_feature, read_features, shipped_features

log = logging.getLogger(__name__)

UNLABELLED = "unlabelled"
NEURONS = "neurons"  # as opposed to the features of a transcoder set
STARTED: list[subprocess.Popen[bytes]] = []  # kept: nobody waits for them
HERE = Path(__file__).parents[2]  # what the package is imported from
BEFORE = 11  # tokens of a context before the one it is about
UNKNOWN = 255  # a score that could not be computed
AT_ONCE = 8_000  # rows an index is filled with while somebody waits
FETCHED = 64  # features asked of the index at least: of those equally near, the best score comes first


@dataclass(frozen=True, slots=True)
class KnownFeature:
    """What is known of one feature."""

    number: int
    layer: int
    neuron: int  # or its index in a transcoder
    sign: str
    label: str
    source: str  # the rule that made the label
    score: float | None  # held-out AUROC against random tokens
    hard: float | None  # against peaks of its nearest features
    output: float | None  # chance that amplifying it raises a token its label says it promotes, over others
    density: float
    peak: float
    basis: str = NEURONS

    @property
    def name(self) -> str:
        """Like L11.N1234+; a transcoder feature's is like L11.F1234."""
        return name_feature(self.layer, self.neuron, self.sign if self.basis == NEURONS else "")


class Catalogue:
    """One folder of descriptions."""

    def __init__(self, files: FeatureFiles, shelves: Path, server: str | None = None) -> None:
        self._files, self._shelves, self._server = files, shelves, server
        self._shelf: StaticIndex | None = None
        self._filling = False

    @classmethod
    def of(
        cls, model: str, shape: tuple[int, int] | None, data: Path, server: str | None = None
    ) -> "Catalogue | None":
        """The user's own descriptions of this model if there are any, else those that are shipped.

        `shape`, where known, is (layers, neurons): descriptions of another shape are not this model's.
        """
        for folder in (find_own_folder(data, model), shipped_features(model)):
            if folder is None or not folder.is_dir():
                continue
            try:
                files = read_features(folder)
            except TracerError as exc:
                log.warning("%s", exc)
                continue
            if shape in (None, (files.layers, files.neurons)):
                return cls(files, data / "library", server)
        return None

    @property
    def about(self) -> dict[str, Any]:
        """Model, corpus, how labels did on held-out text."""
        return self._files.about

    def number(self, layer: int, neuron: int, sign: str) -> int | None:
        """The number of a feature, None where there is none."""
        return self._files.number(layer, neuron, sign)

    def known(self, layer: int, neuron: int, sign: str) -> KnownFeature | None:
        """What is known of a feature; None where there is no such feature or nobody could say."""
        number = self._files.number(layer, neuron, sign)
        if number is None or self._files.labels[number] == UNLABELLED:
            return None
        return self.at(number)

    def at(self, number: int) -> KnownFeature:
        """The feature with this number, labelled or not."""
        arrays = self._files.arrays
        layer, neuron, sign = self._files.place(number)
        return KnownFeature(
            number,
            layer,
            neuron,
            sign,
            self._files.labels[number],
            str(self.about["kinds"][int(arrays["kind"][number])]),
            _score(arrays["random"][number]),
            _score(arrays["hard"][number]),
            _score(arrays["output"][number]) if "output" in arrays else None,
            float(arrays["density"][number]),
            float(arrays["peak"][number]),
            str(self.about["basis"]),
        )

    def promoted(self, number: int) -> tuple[list[int], list[int]]:
        """Ids of the tokens a feature promotes and suppresses."""
        up, down = (self._files.arrays[name][number // 2].tolist() for name in ("up", "down"))
        return (down, up) if number % 2 else (up, down)

    def nearest(self, number: int) -> list[tuple[KnownFeature, float]]:
        """The features that write most nearly the same, with cosines."""
        rows = self._files.arrays["nearest"][number].tolist()
        return [
            (self.at(row), cosine / 100)
            for row, cosine in zip(rows, self._files.arrays["cosine"][number].tolist(), strict=True)
        ]

    def histogram(self, number: int) -> list[int]:
        """Tokens of a sample by half octaves of activation; the first bin ends at 2^-7.5."""
        return [round(2 ** (value / 8) - 1) for value in self._files.arrays["histogram"][number].tolist()]

    def contexts(self, number: int) -> list[dict[str, Any]]:
        """Token ids around peaks (-1 where there is none), which of them peaks, how much, and from where."""
        found = self._contexts
        return [
            {"ids": ids, "at": BEFORE, "activation": float(value), "source": self.about["sources"][source]}
            for ids, value, source in zip(
                found["tokens"][number].tolist(),
                found["activation"][number].tolist(),
                found["source"][number].tolist(),
                strict=True,
            )
            if ids[BEFORE] >= 0
        ]

    def search(
        self, vector: Vectors, k: int, layers: Collection[int] | None = None
    ) -> list[tuple[KnownFeature, float]]:
        """The k features whose label is nearest to a vector of MiniLM's; best score first among equals."""
        if layers is not None and not layers:
            return []
        turned = vector @ self._vectors["basis"].astype(np.float32).T
        fetched = min(max(FETCHED, 2 * k), max(1, len(self._labelled)))
        if self._index_is_there():
            near = self._opened().nearest(turned, fetched, layers)
        else:
            near = self._compared(turned, fetched, layers)
        found = [(self.at(number), cosine) for number, cosine in near]
        found.sort(key=lambda pair: (-round(pair[1], 3), -(pair[0].score or 0), pair[0].number))
        return found[:k]

    def close(self) -> None:
        """Let go of the index."""
        if self._shelf is not None:
            self._shelf.close()
        self._shelf = None

    @cached_property
    def _contexts(self) -> dict[str, NDArray[Any]]:
        return self._files.contexts()

    @cached_property
    def _vectors(self) -> dict[str, NDArray[Any]]:
        return self._files.vectors()

    @cached_property
    def _labelled(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._vectors["row"] >= 0)

    @property
    def _name(self) -> str:
        model = re.sub(r"[^A-Za-z0-9._-]+", "--", str(self.about["model"]))
        return f"{model}.{self.about['basis']}.{self._files.revision}"

    def _index_is_there(self) -> bool:
        """Whether the index can be used at once; where it cannot, its filling has been seen to."""
        if self._shelf is not None or self._server or (self._shelves / self._name).is_dir():
            return True
        if len(self._labelled) <= AT_ONCE:
            return True
        if not self._filling:
            self._filling = True
            command = [
                sys.executable,
                "-m",
                "agent.features.catalogue",
                str(self._files.folder),
                str(self._shelves),
            ]
            quiet = subprocess.DEVNULL
            try:
                self._shelves.mkdir(parents=True, exist_ok=True)
                process = subprocess.Popen(  # goes on when this one ends; a lock keeps it to one at a time
                    command, cwd=HERE, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
                )
                STARTED.append(process)
            except OSError as exc:
                log.warning("the feature index in %s cannot be filled: %s", self._shelves, exc)
        return False

    def _compared(self, vector: Vectors, k: int, layers: Collection[int] | None) -> list[tuple[int, float]]:
        """Numbers and cosines of the k nearest, by comparing with every vector."""
        rows, codes, scale = self._vectors["row"], self._vectors["codes"], self._vectors["scale"]
        every = codes.astype(np.float32) * scale
        cosine = (every @ (vector[0] / np.linalg.norm(vector))) / (np.linalg.norm(every, axis=1) + 1e-9)
        numbers = self._labelled
        if layers is not None:
            numbers = numbers[np.isin(numbers // (2 * self._files.neurons), sorted(layers))]
        found = cosine[rows[numbers]]
        best = np.argsort(-found, kind="stable")[:k]
        return list(zip(numbers[best].tolist(), found[best].tolist(), strict=True))

    def fill(self) -> None:
        """Make the index, unless it is there or another process is making it."""
        self._opened()

    def _opened(self) -> StaticIndex:
        if self._shelf is None:
            name = self._name
            try:
                if self._server:
                    self._shelf = StaticIndex.at_server(self._server, name, self._filled)
                else:
                    self._shelf = StaticIndex.on_disk(self._shelves, name, self._filled)
            except (IndexBroken, OSError) as exc:
                where = self._server or str(self._shelves)
                raise LibraryError(f"The feature index at {where} cannot be opened or made: {exc}.") from exc
        return self._shelf

    def _filled(self) -> IndexRows:
        codes, scale = self._vectors["codes"], self._vectors["scale"]
        vectors: Vectors = codes[self._vectors["row"][self._labelled]].astype(np.float32) * scale
        return IndexRows(
            self._labelled.tolist(), vectors, [self._metadata(n) for n in self._labelled.tolist()]
        )

    def _metadata(self, number: int) -> dict[str, Any]:
        """What the index can filter by."""
        known = self.at(number)
        told = {"layer": known.layer, "index": known.neuron, "sign": known.sign, "source": known.source}
        score = {} if known.score is None else {"score": known.score}
        return {**told, "density": known.density, **score}


def find_own_folder(data: Path, model: str) -> Path:
    """Where descriptions that the user made of a model are kept."""
    return data / "features" / model.replace("/", "--")


def _score(byte: Any) -> float | None:
    return None if int(byte) == UNKNOWN else int(byte) / 100


def _fill(folder: Path, shelves: Path) -> None:
    """What the process that fills an index does: at the lowest priority, once."""
    os.nice(10)
    catalogue = Catalogue(read_features(folder), shelves)
    catalogue.fill()
    catalogue.close()


if __name__ == "__main__":
    _fill(Path(sys.argv[1]), Path(sys.argv[2]))
