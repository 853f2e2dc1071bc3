"""A token that is part of a character is shown as that character with its part, wherever tokens are shown."""

import json

import pytest
from hypothesis import given, strategies as st
from tests_support import NO_SPECIAL

from agent import Session, explain_graph_file, export_trace, read_settings
from agent.core import character_at, find_word_positions, quote_token_at, token_at
from agent.features.label_store import Library
from agent.session import collect_report
from agent.workspace.workspace import Workspace
from tracer.models.byte_tokens import (
    _spell,
    join_tokens,
    name_parts,
    place_tokens,
    spell_bytes,
    vocabulary_names,
)
from tracer.models.families import family_for
from tracer.models.model import Model
from ui.base.terminal import name_path_end
from ui.base.written import render_writing

SHRUG = ["I", " <0xF0><0x9F>", "<0xA4>", "<0xB7>", " x"]
SEA = ["<0xE6><0xB5>", "<0xB7>", "の", "<0xE6><0xB5>", "<0xB7>"]


def test_a_part_of_a_character_is_named_by_it():
    assert name_parts(SHRUG) == ["I", " 🤷, part 1 of 3", "🤷, part 2 of 3", "🤷, part 3 of 3", " x"]
    assert quote_token_at(SHRUG, 2) == "“🤷, part 2 of 3”"
    assert (token_at(SHRUG, 0), character_at(SHRUG, 3)) == ("I", " 🤷")


def test_the_same_character_twice_is_told_apart_and_others_are_not_counted():
    assert quote_token_at(SEA, 0) == "“海, part 1 of 2” (first)"
    assert quote_token_at(SEA, 4) == "“海, part 2 of 2” (second)"
    assert quote_token_at(SEA, 2) == "“の”"


def test_bytes_whose_character_is_not_there_stay_bytes():
    assert name_parts(["a", "<0xF0><0x9F>"]) == ["a", "<0xF0><0x9F>"]
    assert name_parts(["<0xA4>", "b"]) == ["<0xA4>", "b"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.data())
def test_a_text_cut_anywhere_between_its_bytes_is_put_together_again(text, data):
    content, tokens, at = text.encode(), [], 0
    while at < len(content):
        size = data.draw(st.integers(1, 3))
        tokens.append(_spell(content[at : at + size]))
        at += size
    if "<0x" not in text:
        assert join_tokens(tokens) == text
        whole, places = place_tokens(tokens)
        assert whole == text
        assert len(places) == len(tokens) == len(name_parts(tokens))
        assert all(0 <= a <= b <= len(text) for a, b in places)


def test_a_character_of_the_text_is_found_by_all_of_its_tokens():
    assert find_word_positions(SHRUG, "🤷") == [1, 2, 3]
    assert find_word_positions(SEA, "海") == [0, 1, 3, 4]
    assert find_word_positions(SEA, "の") == [2]


@pytest.mark.parametrize("name", ["ĠðŁ", "¤", "<0xF0>", "Ġthe"])
def test_how_bytes_are_written_can_be_read_back(name):
    assert name in vocabulary_names(spell_bytes(name))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A tiny Llama whose tokens are single bytes, as GPT-2 writes them."""
    import torch
    import transformers as hf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words.decoder = decoders.ByteLevel()
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}
    config = hf.LlamaConfig(vocab_size=256, attn_implementation="eager", **sizes, **NO_SPECIAL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = hf.LlamaForCausalLM(config).eval()
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.data.mul_(6.0)
    tokenizer = hf.PreTrainedTokenizerFast(tokenizer_object=words)
    subject = Model("tiny-bytes", network.requires_grad_(False), tokenizer, family_for(config))
    folder = tmp_path_factory.mktemp("bytes")
    settings = read_settings(nodes=100, data_dir=folder, cache_dir=folder)
    made = Workspace(settings, subject, Library.open(folder / "library"))
    yield made
    made.close()


def test_a_byte_given_as_the_token_to_explain_is_that_byte(workspace):
    subject = workspace.subject
    token = next(i for i in range(256) if subject.token_texts([i]) == ["<0xB7>"])
    assert subject.pieces("<0xB7>") == [token]
    assert len(subject.pieces("<0xB7> or so")) == len("<0xB7> or so")


def test_answer_drawing_groups_terminal_and_graph_file_show_the_character(workspace, tmp_path):
    text = "no 🤷 海"
    report = collect_report(Session(workspace, "bytes").ask("", text=text))
    assert report["text"] == text
    parts = {f"🤷, part {at} of 4" for at in range(1, 5)}
    drawing = Session(workspace, "bytes").last_drawing()
    assert parts <= set(drawing["tokens"])
    labels = {node["label"] for node in drawing["nodes"] if node["kind"] == "token"}
    assert labels & parts
    told = json.dumps([report["answer"], report["supernodes"], report["claims"]], ensure_ascii=False)
    assert "�" not in told
    assert "part 1 of 3" in told or "part 2 of 3" in told or "part 3 of 3" in told
    assert name_path_end(report, "T3") == "“🤷, part 1 of 4”"
    export_trace(workspace, text, tmp_path / "graph.json")
    back = explain_graph_file(tmp_path / "graph.json")
    assert parts <= set(back["tokens"])
    assert "<0x" not in back["answer"]["sentences"][2]["text"]


def test_what_is_written_shows_the_character_once():
    texts = ["a", "<0xF0><0x9F>", "<0xA4><0xB7>"]
    tokens = [
        {"id": i, "text": text, "p": None, "likeliest": [], "start": start}
        for i, (text, start) in enumerate(zip(texts, (0, 1, None), strict=True))
    ]
    writing = {"id": "w", "tokens": tokens, "shown": 0, "given": 3, "template": [], "roles": [], "notes": []}
    shown = render_writing({**writing, "ended": "end", "change": None}, done=False)
    assert shown.count("🤷") == 1
    assert "<0x" not in shown
