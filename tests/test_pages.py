"""Mapped weights that are given back: numbers stay, memory goes; and the tokeniser read the short way."""

import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tolerance import SUM, assert_close, distance, tolerance
from torch.autograd import forward_ad
from transformers import AutoTokenizer

from tracer import Subject, load
from tracer.frozen import freeze
from tracer.intervene import full_logits, scale
from tracer.neurons import Units
from tracer.pages import HeadInParts, Pages

TEXT = "Texas, whose capital is"


def held(tensor: torch.Tensor) -> int:
    """Bytes in memory of the mapping a tensor lies in."""
    maps, at = Path("/proc/self/smaps").read_text("utf-8"), tensor.data_ptr()
    for first, end, rest in re.findall(r"^(\w+)-(\w+) (.*?)^VmFlags", maps, re.MULTILINE | re.DOTALL):
        if int(first, 16) <= at < int(end, 16):
            return 1024 * int(re.findall(r"^Rss: +(\d+)", rest, re.MULTILINE)[0])
    raise AssertionError("the tensor lies nowhere")


@pytest.fixture(scope="module")
def lean(cache_folder: Path) -> Subject:
    return load(cache=cache_folder, lean=True)


def test_lean_subject_gives_the_same_numbers_in_less_memory(lean: Subject, embedded_subject: Subject) -> None:
    ids = embedded_subject.encode(TEXT, 64)
    assert_close(lean.mean_unembedding, embedded_subject.mean_unembedding, SUM)
    ours, theirs = freeze(lean, ids), freeze(embedded_subject, ids)
    assert_close(ours.logits, theirs.logits)
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        assert_close(one.written, other.written)
        assert torch.equal(one.weights.down, other.weights.down)  # read once more
    lean.logits(ids)
    assert held(lean.unembedding) < 50e6  # of 1,072 MB
    some = Units(torch.tensor([3, 9]), torch.tensor([1, 4]), torch.tensor([7, 70]))
    after = [full_logits(frozen, scale(frozen, some, -5.0)) for frozen in (ours, theirs)]
    assert_close(*after)
    assert distance(after[0], ours.logits) > 10 * tolerance(1)
    assert held(lean.unembedding) < 50e6


def test_only_pages_of_files_are_given_back(tmp_path: Path) -> None:
    rows = torch.arange(1_000_000.0).view(1000, 1000)
    save_file({"first": rows[:300].clone(), "second": rows[300:].clone()}, tmp_path / "rows.safetensors")
    with safe_open(tmp_path / "rows.safetensors", "pt") as file:
        mapped = [file.get_tensor(name) for name in ("first", "second")]
    assert mapped[1].sum() > 0
    assert held(mapped[1]) > 2.5e6
    Pages([rows, *mapped]).release()
    assert held(mapped[1]) < 0.1e6
    assert torch.equal(torch.cat(mapped), rows)  # the file's are back, memory was left alone
    assert torch.equal(rows.flatten(), torch.arange(1_000_000.0))


def test_head_in_parts_is_the_head() -> None:
    head = torch.nn.Linear(8, 20_000)
    x, tangent = torch.randn(3, 2, 8), torch.randn(3, 2, 8)
    assert_close(HeadInParts(head)(x), head(x), SUM)
    with torch.no_grad(), forward_ad.dual_level():
        given = forward_ad.unpack_dual(HeadInParts(head)(forward_ad.make_dual(x, tangent)))
        assert_close(given.tangent, tangent @ head.weight.T, SUM)


def test_tokeniser_read_whole_is_the_one_built_from_its_parts(embedded_subject: Subject) -> None:
    built = AutoTokenizer.from_pretrained(embedded_subject.model.name_or_path)
    ours = embedded_subject.tokenizer
    assert ours.backend_tokenizer.to_str() == built.backend_tokenizer.to_str()
    for name in ("bos_token_id", "eos_token_id", "pad_token_id", "all_special_ids", "model_max_length"):
        assert getattr(ours, name) == getattr(built, name)
