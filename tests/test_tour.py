"""The notebook of the Python door runs from top to bottom, and is kept without its outputs."""

import ast
import contextlib
import io
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import askcircuit

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


def run_cell(source, names):
    """Run a cell as a notebook does; all that it shows, as text and as HTML."""
    body, shown = ast.parse(source).body, io.StringIO()
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(shown):
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    html = value._repr_html_() if hasattr(value, "_repr_html_") else ""
    said = "" if value is None else repr(value)
    return f"{shown.getvalue()}\n{said}".replace("\u00a0", " "), html


def test_every_cell_runs_on_a_workspace_that_is_open_already(desk, monkeypatch):
    """The same cells without Jupyter: only where the model is loaded a loaded one is taken."""
    session = askcircuit.Session(desk)
    monkeypatch.setattr(askcircuit, "open", lambda **_settings: session)
    cells = [cell.source for cell in nbformat.read(TOUR, 4).cells if cell.cell_type == "code"]
    assert cells[-1].startswith("session.close()")
    ran = [run_cell(source, names) for names in [{}] for source in cells[:-1]]
    session._end.detach()  # the desk stays open for other tests
    check_tour([said for said, _ in ran], [html for _, html in ran])


def check_tour(shown, framed):
    whole = "\n".join(shown)
    assert "“ Austin”" in shown[1]
    assert re.search(r"S1 +-\d\.\d+ +-\d\.\d+ +\d\.\d+ +0\.\d+ +supported", whole)
    assert sum("<iframe" in html for html in framed) == 2  # the answer beside its circuit, and it alone
    assert "“ Denver”" in whole  # Texas swapped for Colorado
    assert any(said.strip() == "[]" for said in shown)  # the bundle replays without a disagreement
    assert "Traceback" not in whole


@pytest.mark.slow  # the cells alone run above
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the Jupyter client
def test_the_tour_runs_from_top_to_bottom():
    book = nbformat.read(TOUR, 4)
    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    htmls = [str([o.get("data", {}).get("text/html", "") for o in cell.outputs]) for cell in cells]
    check_tour([text_of(cell) for cell in cells], htmls)
