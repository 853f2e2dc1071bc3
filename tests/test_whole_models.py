"""A model is explained only if it is whole, traced rightly and of numbers; else one sentence is all."""

import json
import math
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests_support import FAMILIES, tiny_subject, words_tokenizer
from tiny_gguf import tiny_tensors, write_tiny_gguf

from agent import estimate_needs, open_workspace, read_settings
from tracer import ModelError, TextError, UnsupportedFamily, load, sizes_of
from tracer.study.self_check import check_traced


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny Llama of four layers as a Hugging Face folder."""
    tiny("llama").float().save_pretrained(tmp_path / "tiny")
    words_tokenizer().save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def rewrite(folder, change):
    """The folder's weights after a change of their dictionary."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, {"format": "pt"})


def without(some):
    return lambda weights: {name: value for name, value in weights.items() if some not in name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("layers.1.mlp.down_proj"), r"lacks 1 of its weights .*model\.layers\.1\.mlp\.down_proj"),
        (without("layers.3."), r"lacks 9 of its weights .*model\.layers\.3\."),
        (without("model.norm"), r"lacks 1 of its weights .*model\.norm\.weight"),
        (lambda all_: {f"teacher.{name}": value for name, value in all_.items()}, r"lacks .*teacher\."),
        (
            lambda all_: {**all_, "model.layers.4.mlp.up_proj.weight": torch.zeros(96, 32)},
            r"holds 1 weights that its config has no place for, such as model\.layers\.4\.mlp",
        ),
        (
            lambda all_: {**all_, "model.layers.0.mlp.up_proj.weight": torch.zeros(5, 32)},
            r"other shapes than its config says: model\.layers\.0\.mlp\.up_proj",
        ),
    ],
    ids=["tensor", "layer", "norm", "prefix", "extra layer", "shape"],
)
def test_a_folder_that_is_not_whole_is_refused_by_name(folder, tmp_path, change, said):
    rewrite(folder, change)
    with pytest.raises(ModelError, match=said):
        load(str(folder), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_named(folder, tmp_path, value):
    rewrite(folder, lambda all_: {**all_, "model.norm.weight": torch.full((32,), value)})
    with pytest.raises(ModelError, match=r"weight model\.norm\.weight holds values that are no numbers"):
        load(str(folder), cache=tmp_path)


def test_logits_beyond_float32_are_refused(folder, tmp_path):
    rewrite(folder, lambda all_: {**all_, "lm_head.weight": all_["lm_head.weight"] * 1e38 * 3})
    with pytest.raises(ModelError, match="no numbers"):
        load(str(folder), cache=tmp_path)


@pytest.mark.parametrize("said", [{"quant_method": "gptq", "bits": 4}, "gptq"])
def test_weights_stored_for_another_library_are_refused(folder, tmp_path, said):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": said}))
    for ask in (lambda: load(str(folder), cache=tmp_path), lambda: sizes_of(str(folder))):
        with pytest.raises(ModelError, match=r"are quantised \(gptq\)"):
            ask()


def test_code_from_a_model_is_never_run_and_nobody_is_asked(folder, tmp_path, monkeypatch):
    def asked(*_):
        raise AssertionError("a question")

    monkeypatch.setattr("builtins.input", asked)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "nobodys", "auto_map": {"AutoConfig": "mine.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError, match=r"code from a model is never run here"):
        load(str(folder), cache=tmp_path)
    assert not (tmp_path / "ran").exists()


def edit_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"num_hidden_layers": 10**9}, r"claims 1,000,000,000 layers, and its files hold 39 tensors"),
        ({"hidden_size": 10**9}, r"claims a matrix of [\d,]+ numbers, and its files hold [\d,]+ in all"),
        ({"vocab_size": 10**12}, r"claims a matrix of 32,000,000,000,000 numbers"),
        ({"intermediate_size": 10**10}, r"claims a matrix of"),
    ],
)
def test_a_config_that_claims_more_than_there_is_costs_nothing(folder, tmp_path, fields, said):
    edit_config(folder, **fields)
    with pytest.raises(ModelError, match=said):
        load(str(folder), cache=tmp_path / "cache")


def test_a_folder_that_does_not_fit_into_memory_is_refused_before_it_is_read(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tracer.models.checkpoint.free_memory", lambda: 1000)
    with pytest.raises(ModelError, match=r"they take 0\.0 GB of memory, and 0\.0 GB are free"):
        load(str(folder), cache=tmp_path / "cache")


def test_a_config_that_wants_bare_tuples_is_traced_all_the_same(folder, tmp_path):
    plain = load(str(folder), cache=tmp_path).logits(torch.arange(5))
    edit_config(folder, return_dict=False, output_attentions=True)
    assert torch.equal(load(str(folder), cache=tmp_path).logits(torch.arange(5)), plain)


def test_weights_of_another_build_than_the_family_s_are_refused(tiny, tmp_path):
    tiny("gpt_neox").float().save_pretrained(tmp_path / "neox")
    words_tokenizer().save_pretrained(tmp_path / "neox")
    edit_config(tmp_path / "neox", head_dim=16)  # transformers takes its own, the width by the heads
    with pytest.raises(UnsupportedFamily, match="its weights cannot be read as that family's"):
        load(str(tmp_path / "neox"), cache=tmp_path)


def test_tied_weights_are_not_missing(tiny, tmp_path):
    model = tiny("gemma3").float()
    model.save_pretrained(tmp_path / "tied")
    words_tokenizer().save_pretrained(tmp_path / "tied")
    assert not any("lm_head" in name for name in load_file(tmp_path / "tied" / "model.safetensors"))
    assert load(str(tmp_path / "tied"), cache=tmp_path).layers == 4


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_passes_its_own_check_in_float32(tiny, family):
    subject = tiny_subject(tiny, family)
    subject.model.float()
    check_traced(subject)


@pytest.mark.parametrize("wiring", ["gpt_neox", "gpt_neox in sequence"])
def test_a_family_of_another_wiring_is_refused(tiny, wiring):
    subject = tiny_subject(tiny, wiring)
    turned = replace(subject, family=replace(subject.family, parallel=not subject.family.parallel))
    with pytest.raises(UnsupportedFamily, match="by its name but not by its wiring"):
        check_traced(turned)


def test_a_norm_that_is_read_wrongly_is_refused(tiny):
    subject = tiny_subject(tiny, "llama")
    turned = replace(subject, family=replace(subject.family, unit_offset=True))
    with pytest.raises(UnsupportedFamily, match="do not add up"):
        check_traced(turned)


GGUFS = {
    "no tensors": lambda _tensors: {},
    "one norm": lambda tensors: {n: v for n, v in tensors.items() if n != "blk.0.ffn_norm"},
    "output norm": lambda tensors: {n: v for n, v in tensors.items() if n != "output_norm"},
}


@pytest.mark.parametrize("kind", GGUFS)
def test_a_gguf_that_is_not_whole_leaves_nothing(tmp_path, kind):
    path = tmp_path / "part.gguf"
    write_tiny_gguf(path, tensors=GGUFS[kind](tiny_tensors()))
    with pytest.raises(
        ModelError, match=r"part\.gguf is not a whole model: it lacks \d+ of 11 tensors, such"
    ):
        load(str(path), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(Exception, match="is not a whole model"):
        list(estimate_needs(read_settings(model=str(path))))


def test_a_gguf_with_half_of_the_layers_is_refused(tmp_path):
    path = tmp_path / "model-00001-of-00002.gguf"
    write_tiny_gguf(path, blocks=2)
    with pytest.raises(ModelError, match=r"lacks 9 of 20 tensors, such as blk\.1\."):
        load(str(path), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_gguf_with_a_layer_too_many_or_biases_is_refused(tmp_path):
    path = tmp_path / "more.gguf"
    extra = {"blk.0.attn_q.bias": np.zeros(32, np.float32)}
    write_tiny_gguf(path, tensors=tiny_tensors() | extra)
    with pytest.raises(ModelError, match=r"holds 1 tensors .* no place here, such as blk\.0\.attn_q\.bias"):
        load(str(path), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"blk.0.attn_k": (7, 32)},
            r"blk\.0\.attn_k\.weight of odd\.gguf is 32 × 7 large, .* ask for 32 × 16",
        ),
        ({"blk.0.ffn_up": (32, 64)}, r"blk\.0\.ffn_up\.weight of odd\.gguf is 64 × 32 large"),
        ({"token_embd": (67, 16)}, r"token_embd\.weight of odd\.gguf is 16 large, .* ask for 32"),
    ],
)
def test_a_gguf_of_other_shapes_than_it_says_is_refused_by_its_header(tmp_path, change, said):
    path = tmp_path / "odd.gguf"
    write_tiny_gguf(path, tensors=tiny_tensors() | {n: np.zeros(s, np.float32) for n, s in change.items()})
    for look in (sizes_of, lambda model: load(model, cache=tmp_path / "cache")):
        with pytest.raises(ModelError, match=said):
            look(str(path))
    assert not (tmp_path / "cache").exists()


def test_a_gguf_that_was_not_downloaded_whole_is_refused_by_its_length(tmp_path):
    whole, part = tmp_path / "whole.gguf", tmp_path / "part.gguf"
    write_tiny_gguf(whole)
    content = whole.read_bytes()
    for missing in (33, 4000, len(content) // 2):  # a file may be padded behind its last tensor
        part.write_bytes(content[:-missing])
        with pytest.raises(ModelError, match=r"ends early: it has [\d,]+ bytes, and its tensors need [\d,]+"):
            sizes_of(str(part))
    sizes_of(str(whole))


def test_a_gguf_with_numbers_that_are_none_leaves_no_folder_and_no_lock(tmp_path):
    path = tmp_path / "nan.gguf"
    tensors = tiny_tensors()
    tensors["blk.0.ffn_up"][3, 3] = np.nan
    write_tiny_gguf(path, tensors=tensors)
    with pytest.raises(ModelError, match="holds values that are no numbers"):
        load(str(path), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("family", ["phi3", "gpt-oss"])
def test_another_family_is_refused_by_its_header(tmp_path, family):
    path = tmp_path / "other.gguf"
    write_tiny_gguf(path, tensors={}, family=family)
    with pytest.raises(UnsupportedFamily, match=f"'{family}' cannot be traced yet. Supported families"):
        load(str(path), cache=tmp_path / "cache")
    with pytest.raises(UnsupportedFamily):
        sizes_of(str(path))
    assert not (tmp_path / "cache").exists()


def test_what_does_not_fit_into_memory_is_refused_by_its_header(tmp_path, monkeypatch):
    path = tmp_path / "large.gguf"
    write_tiny_gguf(path)
    monkeypatch.setattr("tracer.models.packaged.free_memory", lambda: 1000)
    with pytest.raises(ModelError, match=r"to unpack it takes about .* GB of memory"):
        load(str(path), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_stretched_positions_are_not_lost_silently(tmp_path):
    path = tmp_path / "long.gguf"
    write_tiny_gguf(path, more=lambda writer: writer.add_rope_scaling_factor(8.0))
    with pytest.raises(ModelError, match="stretches its positions"):
        load(str(path), cache=tmp_path / "cache")


def test_a_gguf_tells_its_sizes_before_it_is_unpacked(tmp_path):
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path)
    sizes = sizes_of(str(path))
    assert (sizes.layers, sizes.d_model, sizes.neurons, sizes.vocab) == (1, 32, 64, 67)
    assert (sizes.heads, sizes.kv_heads, sizes.tied, sizes.gated) == (2, 1, True, True)


def test_a_header_cut_anywhere_is_told(tmp_path):
    whole, part = tmp_path / "whole.gguf", tmp_path / "cut.gguf"
    write_tiny_gguf(whole)
    content = whole.read_bytes()
    end = content.rindex(b"blk.0.ffn_down.weight")
    for size in {*range(0, end, 61), 3, 4, 23}:
        part.write_bytes(content[:size])
        with pytest.raises(ModelError, match="damaged"):
            load(str(part), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert Path(whole).stat().st_size > end
    assert int.from_bytes(content[:4], "little") == gguf.GGUF_MAGIC


def test_weights_stored_as_whole_numbers_are_codes(folder, tmp_path):
    rewrite(folder, lambda all_: {n: v.to(torch.int8) if "mlp.up" in n else v for n, v in all_.items()})
    with pytest.raises(ModelError, match=r"layers\.0\.mlp\.up_proj\.weight as whole numbers \(I8\)"):
        load(str(folder), cache=tmp_path)


def test_a_pickle_with_code_is_not_opened(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    torch.save({"a": Touching(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"it could run code, so it is not opened") as caught:
        load(str(folder), cache=tmp_path)
    assert "\x1b" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


class Touching:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_of_a_tokeniser_is_never_run(folder, tmp_path):
    path = folder / "tokenizer_config.json"
    told = json.loads(path.read_text()) | {
        "auto_map": {"AutoTokenizer": ["mine.T", None]},
        "tokenizer_class": "T",
    }
    path.write_text(json.dumps(told))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError, match=r"code from a model is never run here"):
        load(str(folder), cache=tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["config.json", "tokenizer_config.json"])
def test_code_that_is_not_needed_is_not_run_and_that_is_said(folder, tmp_path, caplog, where):
    path = folder / where
    told = json.loads(path.read_text()) | {
        "auto_map": {"AutoConfig": "mine.C", "AutoTokenizer": ["mine.T", None]}
    }
    path.write_text(json.dumps(told))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    settings = read_settings(model=str(folder), data_dir=tmp_path / "data")
    said = f"names Python code of its own (auto_map in {where}); that code is never run here."
    with open_workspace(settings) as workspace:
        assert workspace.subject.layers == 4
    assert [said in record.getMessage() for record in caplog.records] == [True]
    assert [said in line for line in estimate_needs(settings)].count(True) == 1
    assert not (tmp_path / "ran").exists()


def test_a_family_that_is_refused_says_that_its_code_is_not_run(folder, tmp_path):
    edit_config(folder, model_type="phi3", auto_map={"AutoConfig": "mine.Config"})
    for look in (sizes_of, lambda model: load(model, cache=tmp_path)):
        with pytest.raises(
            UnsupportedFamily, match=r"'phi3' cannot be traced yet.*that code is never run here"
        ):
            look(str(folder))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "pointer of Git LFS"),
        (b"\n<!DOCTYPE html><title>401</title>", "is a web page"),
        (b"", "is empty, so it is damaged: download it again"),
    ],
    ids=["pointer", "page", "nothing"],
)
def test_a_file_that_was_not_downloaded_is_named(folder, tmp_path, name, content, said):
    (folder / name).write_bytes(content)
    for look in (sizes_of, lambda model: load(model, cache=tmp_path / "cache")):
        with pytest.raises(ModelError, match=rf"{name}' .*{said}"):
            look(str(folder))
    part = tmp_path / "part.gguf"
    part.write_bytes(content)
    with pytest.raises(ModelError, match=rf"part\.gguf' .*{said}"):
        sizes_of(str(part))


def test_a_folder_without_a_model_says_what_it_holds(tmp_path):
    for name, said in (
        ("", "it is no model"),
        ("a.gguf", r"give '.*a\.gguf'"),
        ("adapter_config.json", "merge"),
    ):
        if name:
            (tmp_path / name).write_text("{}")
        for look in (sizes_of, lambda model: load(model, cache=tmp_path / "cache")):
            with pytest.raises(ModelError, match=rf"holds .*{said}"):
                look(str(tmp_path))


def test_a_token_without_weights_is_named(folder, tmp_path):
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text())
    told["model"]["vocab"]["w999"] = 500
    path.write_text(json.dumps(told))
    subject = load(str(folder), cache=tmp_path)
    with pytest.raises(TextError, match=r"'w999' is a token of the tokeniser, but the model has no weights"):
        subject.encode("w1 w999", 64)
    with pytest.raises(TextError, match="w999"):
        subject.pieces("w999")


def test_attention_that_looks_ahead_is_refused(tiny):
    subject = tiny_subject(tiny, "gemma3")
    for block in subject.blocks:
        block.self_attn.is_causal = False
    subject.model.config.use_bidirectional_attention = True
    with pytest.raises(UnsupportedFamily, match="do not add up"):
        check_traced(subject)
