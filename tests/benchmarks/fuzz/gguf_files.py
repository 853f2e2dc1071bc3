"""A GGUF file written anew with changes of its settings, its tensors or its bytes."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np


def rewrite(source: Path, target: Path, given: dict[str, Any]) -> str:
    """Write the changed file; what makes it damaged beyond doubt, or nothing."""
    reader, where = gguf.GGUFReader(source), given["where"]
    family = given["family"] or given["kind"]
    writer = gguf.GGUFWriter(target, family)
    own = [name for name in reader.fields if not name.startswith(("GGUF.", "general.architecture"))]
    changes = {own[at % len(own)]: (how, value) for at, how, value in given["settings"]}
    for name in own:
        how, value = changes.get(name, ("", 0))
        _write_setting(writer, name, reader.fields[name], how, value)
    if given["added"]:
        name = given["added"] if given["added"] == "split.count" else f"{family}.{given['added']}"
        writer.add_uint32(name, 2 + where % 3)
    damaged = _write_tensors(writer, reader, given["tensors"], where)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return _turn_bytes(target, given["bytes"], where) or damaged


def _write_setting(writer: Any, name: str, field: Any, how: str, value: int) -> None:
    if how == "drop":
        return
    kind, inner = field.types[0], field.types[-1]
    content = field.contents()
    if how == "odd" and kind in (gguf.GGUFValueType.UINT32, gguf.GGUFValueType.FLOAT32):
        content = value if kind == gguf.GGUFValueType.FLOAT32 else max(0, value)
    elif how == "none" and kind == gguf.GGUFValueType.STRING:
        content = ""
    elif how == "twice" and kind in (gguf.GGUFValueType.UINT32, gguf.GGUFValueType.FLOAT32):
        content = content * 2
    writer.add_key_value(name, content, kind, inner if kind == gguf.GGUFValueType.ARRAY else None)


def _write_tensors(writer: Any, reader: Any, how: str, where: int) -> str:
    tensors = {t.name: np.array(t.data).reshape(tuple(reversed(t.shape.tolist()))) for t in reader.tensors}
    names = sorted(tensors)
    name = names[where % len(names)]
    match how:
        case "drop":
            del tensors[name]
        case "rename":
            tensors[f"{name}.old"] = tensors.pop(name)
        case "shape":
            tensors[name] = np.concatenate([tensors[name], tensors[name][:1]])
        case "nan" | "inf":
            tensors[name].reshape(-1)[where % tensors[name].size] = float(how)
        case "double":
            tensors[f"blk.99.{name}"] = tensors[name]
        case "all":
            tensors = {}
        case "half":
            tensors = {n: tensors[n] for n in names[::2]}
    for each, weight in tensors.items():
        writer.add_tensor(each, np.ascontiguousarray(weight))
    return how if how and name != "output.weight" else ""  # an untied head that is dropped is a tied one


def _turn_bytes(path: Path, how: str, where: int) -> str:
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: where % len(content)])
        return how
    if how:
        size = len(content) if how == "turn" else min(len(content), 4000)
        at = where % size
        path.write_bytes(content[:at] + bytes([(content[at] + 1 + where % 250) % 256]) + content[at + 1 :])
    return ""
