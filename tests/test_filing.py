"""What answers leave in the feature library: recorded at once, embedded at rest or by a search."""

import subprocess
import sys
import threading
import time

from test_library import ROOT, TEN, described

from agent import read_settings
from agent.features.label_store import AT_REST, Library
from agent.workspace.workspace import Workspace


def test_what_is_put_for_later_is_found_and_a_changed_label_too(tmp_path):
    """Neither torch nor chromadb is imported before somebody searches."""
    with Library.open(tmp_path) as library:
        library.put(TEN)
    script = f"""
import sys
from dataclasses import replace
from pathlib import Path
from agent.features.label_store import Library
with Library.open(Path({str(tmp_path)!r})) as library:
    two, three = (library.get([id])[id] for id in {[TEN[2].id, TEN[3].id]!r})
    new = replace(two, id="gemma/L1.N77+", feature=77, label="fires on kinds of weather: rain, snow")
    library.put([new, replace(three, label="fires on kinds of furniture")], later=True)
print(sorted({{"torch", "chromadb", "transformers"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    with Library.open(tmp_path) as library:
        assert library.search("rainfall", k=1)[0].feature == 77
        assert library.search("tables and chairs", k=1)[0].feature == 3
        assert library.search("sports", k=1)[0].feature != 3


def test_what_waits_is_embedded_a_few_at_a_time_and_the_newest_first(tmp_path):
    many = [described(n, f"says number {n}") for n in range(AT_REST + 8)]
    with Library.open(tmp_path) as library:
        library.put(many, later=True)
        assert library.embed_some()
        with_index = library._on_index(lambda index: set(index.sentences))
        assert with_index == {row.id for row in many[8:]}
        assert not library.embed_some()
        assert library.search("says number 3", k=1)[0].feature == 3


def test_what_an_answer_files_is_embedded_while_nobody_asks(tmp_path, monkeypatch):
    monkeypatch.setattr("agent.workspace.workspace.REST", 0.01)
    library = Library.open(tmp_path / "library")
    with Workspace(read_settings(data_dir=tmp_path), None, library) as workspace:
        with workspace.turns.place(threading.Event()):
            workspace.file(TEN)
            time.sleep(0.1)
            assert library._index is None  # while somebody asks
        workspace._embedding.join(60)
        assert len(library._index.sentences) == 10
