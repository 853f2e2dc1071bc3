"""Descriptions of features that others made, read as hostile data: Neuronpedia's, circuit-tracer's, our own.

Every row is checked and its words are cut and cleaned; what makes no sense is counted and left out. A set of
circuit-tracer's (features/index.json.gz, one layer_N.bin a layer) is read feature by feature, by byte ranges.
"""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from agent.core import LibraryError, show_token
from agent.features.label_text import LabelEvidence, write_label

MAX_LABEL_CHARACTERS = 400  # characters of a label
TOKENS, TOKEN = 10, 60  # tokens kept of each kind, characters of one
LINE = 1 << 22  # bytes of a line, and of one feature unpacked
RECORD = 1 << 20  # bytes of one feature as it is stored
INDEX = 1 << 28  # bytes an index may unpack to
FILE = 1 << 32  # bytes a file may unpack to
NUMBER = 1 << 31
MIN_PEAK_SHARE = 0.5  # of the examples that must peak on the named tokens, for them to be a label
UNLABELLED = "unlabelled"
_FILE_NAME = re.compile(r"[\w-][\w.-]*\.bin")
_HUB = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(?:/[\w./-]+)?(?:@[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class ExternalLabel:
    """What somebody else says of one feature; `sign` is empty where features have none."""

    layer: int
    feature: int
    sign: str
    label: str
    source: str
    promotes: tuple[str, ...]
    fires_on: tuple[str, ...]
    score: float | None = None


class InvalidRow(ValueError):
    """A row that cannot be understood."""


def read_rows(path: Path, skipped: Counter[str]) -> Iterator[ExternalLabel]:
    """Rows of a .json, .jsonl or .jsonl.gz, or of all such files below a folder; what is skipped is counted.

    Raises LibraryError where nothing can be read at all.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.name.endswith((".json", ".jsonl", ".jsonl.gz")))
        if not files:
            raise LibraryError(f"The folder {str(path)!r} holds no .json, .jsonl or .jsonl.gz file.")
    elif path.is_file():
        files = [path]
    else:
        raise LibraryError(f"There is no file or folder {str(path)!r} to import descriptions from.")
    for file in files:
        for found in _objects(file, skipped):
            try:
                yield parse_row(found)
            except (InvalidRow, RecursionError) as exc:
                skipped[str(exc) or "nested too deeply"] += 1


def _objects(path: Path, skipped: Counter[str]) -> Iterator[Any]:
    """The JSON values of a file: one a line, or a list, or one object over several lines."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            if path.suffix == ".json":
                content = file.read(64 * LINE + 1)
                if len(content) > 64 * LINE:
                    raise LibraryError(f"{str(path)!r} has more than {64 * LINE >> 20} MB; give JSON lines.")
                whole = _parsed(content)
                yield from whole if isinstance(whole, list) else [whole]
                return
            read = 0
            while line := file.readline(LINE + 1):
                read += len(line)
                if len(line) > LINE or read > FILE:
                    raise LibraryError(f"{str(path)!r} has a line of more than {LINE >> 20} MB, or no end.")
                if line.strip():
                    try:
                        yield _parsed(line)
                    except InvalidRow as exc:
                        skipped[str(exc)] += 1
    except InvalidRow as exc:
        skipped[str(exc)] += 1
    except (OSError, EOFError, zlib.error) as exc:
        raise LibraryError(f"{str(path)!r} cannot be read: it is damaged or no file of this kind.") from exc


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise InvalidRow("no JSON") from exc


def parse_row(found: Any) -> ExternalLabel:
    """One description; raises Senseless with a reason.

    Neuronpedia: layer ("20-gemmascope-res-16k"), index, description (or explanations: [...]), pos_str.
    circuit-tracer: index, examples_quantiles, top_logits, `layer` added. Ours: layer, neuron, sign, label.
    """
    if not isinstance(found, dict):
        raise InvalidRow("no object")
    told = found.get("explanations")
    first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    text = next(
        (t for t in (found.get("label"), found.get("description"), first.get("description")) if t), ""
    )
    by = found.get("explanationModelName") or first.get("explanationModelName")
    promotes = _tokens(next((found[k] for k in ("promotes", "pos_str", "top_logits") if found.get(k)), ()))
    fires_on = _peaks(found)
    words = _clean(text, MAX_LABEL_CHARACTERS).replace("⏎", " ").strip()
    source = "imported" if not isinstance(by, str) or not by else f"imported, by {_clean(by, TOKEN)}"
    if not words:
        words, source = _own_label(fires_on, promotes), "imported contexts"
    if not words or words == UNLABELLED:
        raise InvalidRow("no description")
    sign = found.get("sign", "")
    if sign not in ("", "+", "-"):
        raise InvalidRow("a sign that is neither + nor -")
    score = found.get("score")
    good = isinstance(score, float | int) and not isinstance(score, bool) and 0 <= score <= 1
    return ExternalLabel(
        _number(found.get("layer"), "layer"),
        _number(found.get("neuron", found.get("index")), "index"),
        sign,
        words,
        source,
        promotes,
        tuple(dict.fromkeys(fires_on))[:TOKENS],
        float(score) if good else None,  # type: ignore[arg-type]
    )


def _number(value: Any, what: str) -> int:
    """A number, also as Neuronpedia writes it: "20-gemmascope-res-16k", "10956"."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    match = re.match(r"(\d{1,10})(?:-|$)", text)
    if match is None or int(match[1]) >= NUMBER:
        raise InvalidRow(f"no {what}")
    return int(match[1])


def _clean(text: Any, most: int) -> str:
    return " ".join(show_token(text[: 4 * most]).split())[:most] if isinstance(text, str) else ""


def _tokens(found: Any) -> tuple[str, ...]:
    """Up to TOKENS tokens, leading spaces kept."""
    if not isinstance(found, list | tuple):
        return ()
    return tuple(show_token(t[:TOKEN]) for t in found[: 4 * TOKENS] if isinstance(t, str) and t.strip())[
        :TOKENS
    ]


def _peaks(found: dict[str, Any]) -> list[str]:
    """The token of the largest activation of each example, wherever the examples are kept."""
    quantiles = found.get("examples_quantiles")
    examples = [
        example
        for quantile in (quantiles if isinstance(quantiles, list) else [])[:20]
        if isinstance(quantile, dict) and isinstance(quantile.get("examples"), list)
        for example in quantile["examples"][:50]
    ]
    examples += found["contexts"][:50] if isinstance(found.get("contexts"), list) else []
    out = []
    for example in examples:
        if not isinstance(example, dict):
            continue
        tokens, acts = example.get("tokens"), example.get("tokens_acts_list")
        if isinstance(example.get("token"), str):
            out.append(example["token"][:TOKEN])
        elif isinstance(tokens, list) and isinstance(acts, list) and len(tokens) == len(acts) > 0:
            real = [a if isinstance(a, int | float) and a == a else 0 for a in acts]
            peak = tokens[max(range(len(real)), key=real.__getitem__)]
            if isinstance(peak, str) and max(real) > 0:
                out.append(peak[:TOKEN])
    return [show_token(token) for token in out if token.strip()]


def _own_label(peaks: Sequence[str], promotes: Sequence[str]) -> str:
    """Our rules on somebody else's contexts: tokens most examples peak on, else what the feature promotes."""
    count = Counter(token.strip().casefold() for token in peaks)
    common = [token for token, seen in count.most_common(5) if seen > 1]
    if common and sum(count[token] for token in common) >= MIN_PEAK_SHARE * len(peaks):
        alone = count[common[0]] >= MIN_PEAK_SHARE * len(peaks)
        return write_label(
            LabelEvidence("token" if alone else "tokens", token=common[:1] if alone else common)
        )
    return write_label(LabelEvidence("theme", promotes=promotes[:5])) if promotes else ""


class FeatureFileSet:
    """circuit-tracer's feature files: a folder, an http address, or a repository on the hub."""

    def __init__(self, where: str) -> None:
        self._folder = Path(where) if Path(where).is_dir() else None
        self._base = "" if self._folder else _address(where)
        self.layers = self._index()

    @staticmethod
    def there(where: str) -> bool:
        """Whether this names a set and not a file of descriptions."""
        folder = Path(where)
        if folder.exists():
            return (folder / "index.json.gz").is_file() or (folder / "features" / "index.json.gz").is_file()
        return where.startswith(("http://", "https://")) or bool(_HUB.fullmatch(where))

    def rows(self, wanted: Iterable[tuple[int, int]], skipped: Counter[str]) -> Iterator[ExternalLabel]:
        """The features (layer, index) that are there, one range of bytes each."""
        with httpx.Client(timeout=30, follow_redirects=True) as client:
            for layer, index in wanted:
                name, offsets = self.layers.get(layer, ("", []))
                if index + 1 >= len(offsets):
                    skipped["not in the set"] += 1
                    continue
                try:
                    found = _feature(self._bytes(client, name, offsets[index], offsets[index + 1]))
                    yield parse_row({**found, "layer": layer, "index": index})
                except InvalidRow as exc:
                    skipped[str(exc)] += 1

    def _index(self) -> dict[int, tuple[str, list[int]]]:
        try:
            if self._folder is not None:
                raw = (self._folder_of_features / "index.json.gz").read_bytes()
            else:
                with httpx.Client(timeout=60, follow_redirects=True) as client:
                    raw = _fetch(client, f"{self._base}/index.json.gz", {}, 200, INDEX)
            unpacked = zlib.decompressobj(47).decompress(raw, INDEX)
            found = _parsed(unpacked)
        except (OSError, zlib.error, InvalidRow, httpx.HTTPError, httpx.InvalidURL) as exc:
            raise LibraryError(
                f"No feature files can be read at {self._base or str(self._folder)!r}: index.json.gz is "
                f"missing, damaged or out of reach ({type(exc).__name__})."
            ) from exc
        pairs = (
            found.items() if isinstance(found, dict) else enumerate(found if isinstance(found, list) else [])
        )
        layers = dict(_layer(key, value) for key, value in pairs)
        if not layers:
            raise LibraryError("The index of the feature files names no layer.")
        return layers

    @property
    def _folder_of_features(self) -> Path:
        assert self._folder is not None
        inner = self._folder / "features"
        return inner if inner.is_dir() else self._folder

    def _bytes(self, client: httpx.Client, name: str, start: int, end: int) -> bytes:
        if not 4 < end - start <= RECORD:
            raise InvalidRow("a feature of no bytes, or of too many")
        if self._folder is not None:
            try:
                with (self._folder_of_features / name).open("rb") as file:
                    file.seek(start)
                    return file.read(end - start)
            except OSError as exc:
                raise LibraryError(f"{name!r} of the feature files cannot be read.") from exc
        try:
            span = {"Range": f"bytes={start}-{end - 1}"}
            return _fetch(client, f"{self._base}/{name}", span, 206, end - start)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            raise LibraryError(
                f"{name!r} of the feature files could not be read from {self._base!r} ({type(exc).__name__})."
            ) from exc


def _layer(key: Any, value: Any) -> tuple[int, tuple[str, list[int]]]:
    try:
        name, offsets = value["filename"], value["offsets"]
        good = _FILE_NAME.fullmatch(name) and all(type(o) is int and o >= 0 for o in offsets)
        if good and all(a <= b for a, b in pairwise(offsets)):
            return _number(key, "layer"), (name, offsets)
    except (TypeError, KeyError, InvalidRow):
        pass
    raise LibraryError(
        f"The index of the feature files makes no sense at layer {show_token(str(key))[:20]!r}."
    )


def _feature(raw: bytes) -> dict[str, Any]:
    """4 bytes of length (little-endian), then that many of zlib or gzip, in which JSON is."""
    length = int.from_bytes(raw[:4], "little")
    if not 0 < length <= len(raw) - 4:
        raise InvalidRow("a feature whose length is wrong")
    try:
        unpacked = zlib.decompressobj(47).decompress(raw[4 : 4 + length], LINE)
    except zlib.error as exc:
        raise InvalidRow("a feature that cannot be unpacked") from exc
    found = _parsed(unpacked)
    if not isinstance(found, dict):
        raise InvalidRow("no object")
    return found


def _fetch(client: httpx.Client, url: str, headers: dict[str, str], status: int, most: int) -> bytes:
    """The body of an answer with this status and no more bytes than allowed."""
    with client.stream("GET", url, headers={**headers, "Accept-Encoding": "identity"}) as answer:
        if answer.status_code != status:
            raise OSError(f"HTTP {answer.status_code}")  # 200 to a range: it would send gigabytes
        out = bytearray()
        for piece in answer.iter_bytes():
            out += piece
            if len(out) > most:
                raise OSError("more than was asked for")
        return bytes(out)


def _address(where: str) -> str:
    """The address of the features folder; org/repo[/folder][@revision] is one on the hub."""
    if where.startswith(("http://", "https://")):
        return where.rstrip("/").removesuffix("/index.json.gz")
    from huggingface_hub import hf_hub_url
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        raise LibraryError(f"{where!r} is not a folder here, and the hub is switched off (HF_HUB_OFFLINE).")
    place, _, revision = where.partition("@")
    org, repo, *inner = place.split("/")
    name = "/".join([*inner, "features", "index.json.gz"])
    return hf_hub_url(f"{org}/{repo}", name, revision=revision or "main").removesuffix("/index.json.gz")
