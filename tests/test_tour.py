"""The notebook beside the Python API runs from top to bottom, and is kept without its outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TOUR = Path(__file__).parents[1] / "agent" / "session" / "tour.ipynb"


def text_of(cell):
    """All that a cell shows, as text."""
    shown = [
        o.get("text") or o.get("data", {}).get("text/markdown") or str(o.get("data")) for o in cell.outputs
    ]
    return "\n".join(shown).replace("\u00a0", " ")


def test_the_tour_is_kept_without_outputs():
    for cell in nbformat.read(TOUR, 4).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the Jupyter client
def test_the_tour_runs_from_top_to_bottom():
    book = nbformat.read(TOUR, 4)
    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(TOUR.parents[1])}}).execute()
    shown = [text_of(cell) for cell in book.cells if cell.cell_type == "code"]
    whole = "\n".join(shown)
    assert "“ Austin”" in whole
    assert re.search(r"S1  predicted [+-]\d\.\d\d  measured [+-]\d\.\d\d .* supported", whole)
    assert "<svg" in whole
    assert "“ Denver”" in whole  # Texas swapped for Colorado
    assert "[]" in shown[-3]  # the bundle replays without a disagreement
    assert "Traceback" not in whole
