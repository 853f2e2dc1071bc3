"""The text part of a Gemma 3 checkpoint that also sees pictures: found, loaded, the same logits, traced."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests_support import words_tokenizer
from tolerance import assert_close, tolerance

from tracer import ModelError, Study, TracedStudy, load
from tracer.study.estimate import sizes_of

TEXT = {
    **{"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
    **{"num_key_value_heads": 1, "intermediate_size": 96, "head_dim": 16, "sliding_window": 5},
    **{"layer_types": ["sliding_attention", "full_attention"], "max_position_embeddings": 64},
}
SEES = {
    **{"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4},
    **{"image_size": 28, "patch_size": 14},
}


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    """A tiny random model that sees, and the folder it is saved in."""
    import transformers as hf

    config = hf.Gemma3Config(text_config=TEXT, vision_config=SEES, mm_tokens_per_image=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = hf.Gemma3ForConditionalGeneration(config).eval()
    folder = tmp_path_factory.mktemp("seeing")
    model.save_pretrained(folder)
    words_tokenizer().save_pretrained(folder)
    return model, folder


def test_the_text_part_says_and_traces_what_the_whole_does(seeing, cache_folder, caplog):
    model, folder = seeing
    subject = load(str(folder), cache=cache_folder)
    assert subject.family.name == "Gemma 3 (text)"
    assert "UNEXPECTED" not in caplog.text
    study = Study(subject, "w5 w9 w33 w2", 64)
    with torch.no_grad():
        whole = model(study.frozen.ids[None]).logits[0, -1]
    assert_close(study.frozen.logits, whole)
    assert TracedStudy(study.contrast(3, 50), 50).graph.residual() < tolerance(1)
    assert sizes_of(str(folder)).layers == 2


def test_a_text_part_that_is_not_whole_is_refused(seeing, cache_folder, tmp_path):
    _, folder = seeing
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    lost = next(name for name in weights if "layers.1.mlp.down" in name)
    weights.pop(lost)
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "gemma3"
    with pytest.raises(ModelError, match="lacks 1 of its weights"):
        load(str(tmp_path), cache=cache_folder)
