"""Attribution graphs as others write them to JSON: what may come in. Knows no meaning of a node.

The fields are circuit-tracer's (0.5.0) and Neuronpedia's (graph-schema.json 1.0.0); what is not named here is
read past, but for the metadata, which is kept.
"""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
)

from tracer.errors import GraphError

MAX_BYTES = 100 * 2**20  # what Neuronpedia takes
MAX_NODES, MAX_LINKS, MAX_TOKENS, MAX_LAYERS = 100_000, 1_000_000, 100_000, 1_000
MAX_LOOKS = 1_000  # contributors to a head's attention
GZIP = b"\x1f\x8b"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
PICKLES = (b"\x80", b"PK\x03\x04", b"PK\x05\x06")  # torch.save writes one or the other

Finite = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=-1, lt=2**63)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(max_length=10_000)]


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


def _or_nothing(value: Any) -> Any:
    """Null where a number or a yes belongs: not told."""
    return 0 if value is None else value


def _or_none_of_it(value: Any) -> Any:
    return {} if value is None else value


def _parsed(value: Any) -> Any:
    """A list that the front ends write as a string holding JSON."""
    if not isinstance(value, str):
        return [] if value is None else value
    try:
        return json.loads(value) if value.strip() else []
    except (ValueError, RecursionError) as exc:
        raise ValueError("it should be a list") from exc


def _ids(value: Any) -> Any:
    """Pins are a list, or (from an address line) ids with commas between them."""
    if isinstance(value, str):
        return [name for name in value.split(",") if name]
    return [] if value is None else value


def _layer(value: Any) -> str:
    """A layer is "E" or a number, as text or not; some write the words' as -1."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    text = text.removesuffix(".0")
    text = "E" if text == "-1" else text
    number = not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) < 10
    if text != "E" and not (number and int(text) <= MAX_LAYERS):
        raise ValueError(f"a layer is E or a number up to {MAX_LAYERS}")
    return text


def _safe_slug(slug: str) -> str:
    if not slug or slug.startswith(".") or ".." in slug or not slug.isprintable():
        raise ValueError("a slug names a file, so it is not empty, can be printed and has no dot in front")
    return slug


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _named(value: Any) -> Any:
    """A node by its id, whether its id or the whole node is written."""
    return value.get("node_id") if isinstance(value, dict) else value


def _readable(value: Any, read: Callable[[Any], Any]) -> Any:
    """Why a head looks somewhere is an extra: where it cannot be read, the graph still can."""
    try:
        return read({} if value is None else value)
    except ValidationError:
        return LooksModel(unreadable=True)


End = Annotated[Id, BeforeValidator(_named)]


class LooksModel(_Model):
    """Why an attention feature looks where it does: what adds to its score, on either side and in pairs."""

    pair_wise_contributors: Annotated[list[tuple[End, End, Finite]], Field(max_length=MAX_LOOKS)] = []
    top_q_marginal_contributors: Annotated[list[tuple[End, Finite]], Field(max_length=MAX_LOOKS)] = []
    top_k_marginal_contributors: Annotated[list[tuple[End, Finite]], Field(max_length=MAX_LOOKS)] = []
    unreadable: Annotated[bool, Field(exclude=True)] = False


class NodeModel(_Model):
    """A node."""

    node_id: Id
    feature: Annotated[int, Field(gt=-(2**63), lt=2**63)] | None = None
    layer: Annotated[str, BeforeValidator(_layer)]
    ctx_idx: Index
    feature_type: Annotated[str, Field(min_length=1, max_length=100)]
    token_prob: Annotated[Finite, BeforeValidator(_or_nothing), Field(ge=0, le=1.001)] = (
        0.0  # bfloat16 may round a sum up
    )
    is_target_logit: Annotated[bool, BeforeValidator(_or_nothing)] = False
    jsNodeId: Annotated[str, BeforeValidator(_or_empty), Field(max_length=200)] = ""
    clerp: Annotated[Words, BeforeValidator(_or_empty)] = ""
    influence: Finite | None = None
    activation: Finite | None = None
    token: Annotated[Words, BeforeValidator(_or_empty)] = ""  # of a word or a logit, where it is told
    # of Language-Model-SAEs and Neuronpedia's graphs with attention features
    qk_tracing_results: Annotated[LooksModel, WrapValidator(_readable)] = LooksModel()


class LinkModel(_Model):
    """A direct effect."""

    source: Id
    target: Id
    weight: Finite


class MetadataModel(BaseModel):
    """What the graph is of; all else that stands there is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    slug: Annotated[str, Field(max_length=200), AfterValidator(_safe_slug)] | None = None
    scan: Annotated[
        str, Field(max_length=300), BeforeValidator(lambda v: v if isinstance(v, str) else "")
    ] = ""
    prompt_tokens: Annotated[list[Words], Field(min_length=1, max_length=MAX_TOKENS)]
    prompt: Annotated[str, Field(max_length=2_000_000)] | None = None


class ViewModel(BaseModel):
    """The state of a front end: pins, supernodes, labels typed by hand."""

    model_config = ConfigDict(frozen=True, extra="allow")

    pinnedIds: Annotated[list[Id], BeforeValidator(_ids), Field(max_length=MAX_NODES)] = []
    supernodes: Annotated[
        list[Annotated[list[Words], Field(min_length=1)]],
        BeforeValidator(_parsed),
        Field(max_length=MAX_NODES),
    ] = []
    clickedId: Annotated[str, BeforeValidator(_or_empty), Field(max_length=200)] = ""
    clerps: Annotated[
        list[Annotated[list[Words], Field(min_length=2, max_length=2)]],
        BeforeValidator(_parsed),
        Field(max_length=MAX_NODES),
    ] = []


class FileModel(_Model):
    """The whole file."""

    metadata: MetadataModel
    qParams: Annotated[ViewModel, BeforeValidator(_or_none_of_it)] = ViewModel()
    nodes: Annotated[list[NodeModel], Field(min_length=1, max_length=MAX_NODES)]
    links: Annotated[list[LinkModel], Field(max_length=MAX_LINKS)]
    qk_only_nodes: Annotated[
        dict[Id, NodeModel], BeforeValidator(_or_none_of_it), Field(max_length=MAX_NODES)
    ] = {}  # nodes that only heads' scores name


def read_bytes(path: Path) -> bytes:
    """A graph file's bytes; raises GraphError when it is missing, too large, or no JSON by its first byte."""
    try:
        if not path.is_file():
            raise GraphError(f"There is no graph file {str(path)!r}.")
        if path.stat().st_size > MAX_BYTES:
            raise GraphError(
                f"{path.name!r} has {path.stat().st_size / 2**20:,.0f} MB; graphs up to "
                f"{MAX_BYTES // 2**20} MB are read. Prune it first (circuit-tracer: a lower node threshold)."
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # it may have grown since
    except (OSError, ValueError) as exc:
        raise GraphError(f"The graph file {str(path)!r} cannot be read.") from exc
    if data.startswith(PICKLES):
        raise GraphError(
            f"{path.name!r} is a pickle (circuit-tracer's graph.pt): it could run code, so it is not opened. "
            "Let circuit-tracer write it as JSON (create_graph_files) and give that file."
        )
    return data


def _plain(data: bytes, name: str) -> bytes:
    """The JSON in UTF-8: unpacked from gzip, and without a byte-order mark."""
    if data.startswith(GZIP):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
        except zlib.error as exc:
            raise GraphError(f"{name!r} is packed with gzip, and damaged.") from exc
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding).encode()
            except UnicodeError as exc:
                raise GraphError(f"{name!r} is not text in {encoding}, as its first bytes say.") from exc
    return data


def validated(data: bytes, name: str) -> FileModel:
    """The file's values, every one of a sane type and size; raises GraphError with the first that is not."""
    data = _plain(data, name)
    if len(data) > MAX_BYTES:
        raise GraphError(f"{name!r} is larger than {MAX_BYTES // 2**20} MB; such graphs are not read.")
    try:
        return FileModel.model_validate_json(data)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    place = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in error["loc"]).lstrip(".")
    message = error["msg"].removeprefix("Value error, ")[:200]
    if not place:
        raise GraphError(f"{name!r} is not a graph in JSON: {message.removeprefix('Invalid JSON: ')}.")
    raise GraphError(f"{name!r} is not a graph that can be used: at {place}, {_lower(message)}.")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
