"""The modules of the page are joined into one script, and what cannot be joined is refused."""

import re
from pathlib import Path

import pytest

from ui.reports import page_scripts
from ui.reports.page_scripts import script

WEB = Path(__file__).parents[1] / "ui" / "web"
ENTRIES = [("circuit.js", "drawCircuit"), ("shelf.js", "drawShelf"), ("saved_page.js", "openSavedPage")]


@pytest.mark.parametrize(("entry", "function"), ENTRIES)
def test_a_script_holds_each_module_once_and_after_what_it_imports(entry, function):
    joined = script(entry, function)
    there, last = set(), ""  # a module is there once what it imports is bound within it
    for made, used in re.findall(
        r"^const (?:(module_\w+) = \(|\{[^}]*\} = (module_\w+);$)", joined, re.MULTILINE
    ):
        assert made not in there
        assert not used or (used in there - {last})
        last = made or last
        there.add(last)
    assert not re.search(r"^(import|export)\b", joined, re.MULTILINE)
    assert "</" not in joined  # it stands within a page


def test_every_module_of_the_folder_is_used():
    joined = "\n".join(script(*entry) for entry in ENTRIES)
    used = set(re.findall(r"^const module_(\w+) = \(", joined, re.MULTILINE))
    assert used == {path.stem for path in WEB.glob("*.js")}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.js": "import { no } from './b.js';\n", "b.js": "export const yes = 1;\n"}, "does not export"),
        ({"a.js": "import { b } from './b.js';\n", "b.js": "import { a } from './a.js';\n"}, "circle"),
        ({"a.js": "import * as b from './b.js';\n", "b.js": ""}, "plain imports"),
        ({"a.js": "export default 3;\n"}, "plain imports"),
        ({"a.js": "export let a = 3;\n"}, "plain imports"),
        ({"a.js": "const a = 3;\n"}, "does not export main"),
    ],
)
def test_what_cannot_be_joined_is_refused(files, told, monkeypatch):
    monkeypatch.setattr(page_scripts, "read_assets", files.__getitem__)
    with pytest.raises(ValueError, match=told):
        script.__wrapped__("a.js", "main")


def test_a_module_is_a_file_one_can_read():
    for path in WEB.glob("*.js"):
        assert path.read_text(encoding="utf-8").count("\n") <= 400
