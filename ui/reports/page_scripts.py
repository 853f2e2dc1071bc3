"""The page's scripts and looks as texts; modules are joined into one script that needs no server.

A saved page is opened from a disk, where browsers load no modules, and Gradio runs a text. So the modules are
put one after the other, each in a function of its own that gives back what it exports. Of the module syntax
just two forms are known: `import { a, b } from './file.js';` and `export` before a function or a constant.
"""

import re
from functools import cache
from importlib.resources import files

IMPORT = re.compile(r"^import \{([^}]*)\} from '\./([\w.-]+)';\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function |const )", re.MULTILINE)
NAME = re.compile(r"(?:function|const) (\w+)")
ANY = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def read_assets(*names: str) -> str:
    """Files of the page's folder as one text."""
    return "\n".join(files("ui").joinpath("web", name).read_text(encoding="utf-8") for name in names)


@cache
def script(entry: str, function: str) -> str:
    """A script whose value is a function that the module `entry` exports.

    Raises ValueError where a module uses other syntax, imports what is not exported, or imports in a circle.
    """
    done: dict[str, tuple[str, frozenset[str]]] = {}
    _join(entry, done, ())
    if function not in done[entry][1]:
        raise ValueError(f"{entry} does not export {function}")
    parts = "\n".join(text for text, _ in done.values())
    return f"(() => {{\n'use strict';\n{parts}\nreturn {_variable(entry)}.{function};\n}})()"


def _join(name: str, done: dict[str, tuple[str, frozenset[str]]], open_: tuple[str, ...]) -> None:
    """Add a module after what it imports: its text as a constant, and the names it exports."""
    if name in open_:
        raise ValueError(f"the modules import in a circle: {' -> '.join([*open_, name])}")
    if name in done:
        return
    source = read_assets(name)

    def bound(found: re.Match[str]) -> str:
        wanted, other = {each.strip() for each in found[1].split(",")} - {""}, found[2]
        _join(other, done, (*open_, name))
        if missing := wanted - done[other][1]:
            raise ValueError(f"{name} imports {', '.join(sorted(missing))}, which {other} does not export")
        return f"const {{ {', '.join(sorted(wanted))} }} = {_variable(other)};\n"

    body = IMPORT.sub(bound, source)
    exports = [NAME.search(body, found.end()) for found in EXPORT.finditer(body)]
    names = frozenset(found[1] for found in exports if found)
    body = EXPORT.sub("", body)
    if left := ANY.search(body):
        raise ValueError(f"{name}: only plain imports and exports can be joined, not {left[0]!r}")
    given = ", ".join(sorted(names))
    done[name] = (f"const {_variable(name)} = (() => {{\n{body}return {{ {given} }};\n}})();", names)


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))
