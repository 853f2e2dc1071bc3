"""What is typed on the command line is refused or read before any work is done."""

import pytest

from agent.suites.schema import read_suite
from ui.base.console import Refused, named_path


@pytest.mark.parametrize("given", ["", " ", "\t"])
def test_an_empty_out_is_refused_and_not_taken_for_here(given):
    with pytest.raises(Refused, match="--out is empty: give the name of a folder"):
        named_path(given, "--out")
    assert named_path(".", "--out").name == ""


def test_ids_of_cases_may_be_numbers(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text("- id: 7\n  text: one two\n- id: b\n  text: three four\n", encoding="utf-8")
    assert [case.id for case in read_suite(path).cases] == ["7", "b"]
