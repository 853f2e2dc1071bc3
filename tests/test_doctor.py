"""The doctor loads a model that is named, checks it on a text, and says what it takes a set for."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tests_support import relu_subject, save_own_mlps, words_tokenizer

from agent import AgentError, check_on_text, estimate_needs, read_settings


@pytest.fixture(scope="module")
def own_set(tmp_path_factory):
    """A ReLU model in float32, and its own MLPs as a set of transcoders: it rebuilds all that they write."""
    subject, folder = relu_subject(), tmp_path_factory.mktemp("doctor")
    subject.model.float().save_pretrained(folder / "model")
    subject.tokenizer.save_pretrained(folder / "model")
    save_own_mlps(subject, folder / "set")
    return folder


def told(folder, transcoders=None):
    model = str(folder / "model")
    settings = read_settings(model=model, transcoders=None if transcoders is None else str(transcoders))
    return " ".join([*estimate_needs(settings), *check_on_text(settings)])


def change_settings(folder, **more):
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **more}))


def test_a_model_is_loaded_and_its_rows_and_replay_are_told(own_set):
    text = told(own_set)
    assert "the rows of its graph add up to what they explain (off by less than 0.001 %)" in text
    assert "it gives its own logits again (off by less than 0.001 %)" in text


def test_a_model_that_is_damaged_is_told_by_the_doctor_too(tiny, tmp_path):
    tiny("llama").float().save_pretrained(tmp_path / "model")
    words_tokenizer().save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    kept = {n: v for n, v in load_file(path).items() if "layers.2" not in n}
    save_file(kept, path, {"format": "pt"})
    with pytest.raises(AgentError, match=r"lacks 9 of its weights"):
        told(tmp_path)


def test_a_set_that_fits_is_said_to_rebuild_what_the_mlps_write(own_set):
    text = told(own_set, own_set / "set")
    assert "It reads what the MLP reads (mlp.hook_in), writes what the MLP adds" in text
    assert "the set rebuilds 100 % of what the MLPs write." in text
    assert "Warning" not in text


def test_a_set_of_another_model_or_size_is_warned_of(own_set, tmp_path):
    for path in (own_set / "set").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    change_settings(tmp_path, model_name="openai/gpt2-large")
    assert "Warning: the set was trained on openai/gpt2-large, and the model is called" in told(
        own_set, tmp_path
    )
    change_settings(tmp_path, model_name="someone/MODEL")
    assert "was trained on someone/MODEL, and" not in told(own_set, tmp_path)
    (tmp_path / "layer_3.safetensors").unlink()
    assert "Warning: the set ends at layer 2, the model at 3" in told(own_set, tmp_path)


def test_a_hook_that_is_not_said_is_called_assumed_and_a_wrong_one_shows(own_set, tmp_path):
    for path in (own_set / "set").glob("*.safetensors"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert "does not say what it reads and writes; assumed is: reads what the MLP reads" in told(
        own_set, tmp_path
    )
    (tmp_path / "config.yaml").write_text(json.dumps({"feature_input_hook": "hook_resid_mid"}))
    text = told(own_set, tmp_path)
    assert "reads the stream before the MLP's norm (hook_resid_mid)" in text
    assert "Warning: that is little; it may be of another model, or read at another place." in text


def test_what_does_not_fit_into_memory_is_not_loaded(own_set, monkeypatch):
    monkeypatch.setattr("agent.workspace.capacity.free_memory", lambda: 1000)
    lines = list(check_on_text(read_settings(model=str(own_set / "model"))))
    assert lines == ["The model was not loaded to be checked: it needs more memory than is free."]
    assert torch.get_num_threads() > 0
