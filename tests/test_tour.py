"""The notebook of the Python door runs from top to bottom, and is kept without its outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "docs" / "tour.ipynb"


def text_of(cell):
    """All that a cell shows, as text."""
    shown = [o.get("text") or str(o.get("data", {})) for o in cell.outputs]
    return "\n".join(shown).replace("\u00a0", " ")


def test_the_tour_is_kept_without_outputs():
    for cell in nbformat.read(TOUR, 4).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the Jupyter client
def test_the_tour_runs_from_top_to_bottom():
    book = nbformat.read(TOUR, 4)
    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    shown = [text_of(cell) for cell in cells]
    whole = "\n".join(shown)
    assert "“ Austin”" in shown[1]
    assert re.search(r"S1 +-\d\.\d+ +-\d\.\d+ +\d\.\d+ +0\.\d+ +supported", whole)
    framed = [
        cell for cell in cells for o in cell.outputs if "<iframe" in o.get("data", {}).get("text/html", "")
    ]
    assert len(framed) == 2  # the answer beside its circuit, and the circuit alone
    assert "“ Denver”" in whole  # Texas swapped for Colorado
    assert "[]" in shown[-3]  # the bundle replays without a disagreement
    assert "Traceback" not in whole
