"""A model written as llama.cpp writes it answers as it did: every family, every setting."""

import numpy as np
import pytest
import torch
from tiny_gguf import TOKENS, rope_factors, write_as_llama_cpp, write_tiny_gguf

from tracer import ModelError, load
from tracer.models.gguf_conversion import unpack
from tracer.models.gguf_header import check_header

SIZES = {
    **{"vocab_size": len(TOKENS), "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4},
    **{"intermediate_size": 96, "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2},
    **{"attn_implementation": "eager", "num_key_value_heads": 2},
}


def turned(base):
    return {"rope_type": "default", "rope_theta": base}


LLAMA3 = {
    **{"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0},
    **{"high_freq_factor": 4.0, "original_max_position_embeddings": 64},
}
GEMMA3 = {"full_attention": turned(1e6), "sliding_attention": turned(2e4)}
CAPS = {"attn_logit_softcapping": 40.0, "final_logit_softcapping": 20.0}
MODELS = {  # architecture in the file -> classes, config beside the sizes
    "llama": ("Llama", {"rope_parameters": turned(5e5)}),
    "llama, slowed": ("Llama", {"rope_parameters": LLAMA3}),
    "qwen2": ("Qwen2", {"rope_parameters": turned(1e6)}),
    "qwen3": ("Qwen3", {"head_dim": 32, "rope_parameters": turned(1e6)}),
    "gemma2": ("Gemma2", {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 6, **CAPS}),
    "gemma3": (
        "Gemma3",
        {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 6, "num_hidden_layers": 7}
        | {"rope_parameters": GEMMA3},
    ),
    "starcoder2": ("Starcoder2", {"rope_parameters": turned(1e6)}),
    "gpt2": ("GPT2", {"layer_norm_epsilon": 1e-4, "n_inner": 100}),
}


def made(kind):
    """A random model with weights far from the identity."""
    import transformers as hf

    name, more = MODELS[kind]
    if name == "GPT2":
        sizes = {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 64, "vocab_size": len(TOKENS)}
        sizes |= {"bos_token_id": 1, "eos_token_id": 2, "attn_implementation": "eager"}
    else:
        sizes = SIZES
    config = getattr(hf, "Gemma3TextConfig" if name == "Gemma3" else f"{name}Config")(**{**sizes, **more})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = getattr(hf, "GPT2LMHeadModel" if name == "GPT2" else f"{name}ForCausalLM")(config).eval()
        for weight_name, weight in model.named_parameters():
            gain = weight_name.endswith("weight") and not name.startswith("Gemma")
            fresh = 5 * weight if weight.ndim > 1 else torch.rand_like(weight) - 0.5 + gain
            weight.data.copy_(fresh)
    return model.requires_grad_(False)


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_read_from_gguf_gives_the_logits_it_gave(kind, tmp_path):
    import transformers as hf

    model, path = made(kind), tmp_path / "model.gguf"
    write_as_llama_cpp(path, kind.partition(",")[0], model)
    check_header(path)
    unpack(str(path), str(tmp_path / "made"))
    back = hf.AutoModelForCausalLM.from_pretrained(tmp_path / "made", attn_implementation="eager")
    ids = torch.randint(3, 60, (1, 40), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(back(ids).logits.detach(), model(ids).logits, rtol=1e-5, atol=1e-5)


def test_factors_of_rotation_count(tmp_path):
    """The same file without its factors is another model: the test above would notice their loss."""
    model = made("llama, slowed")
    ids = torch.randint(3, 60, (1, 40), generator=torch.Generator().manual_seed(2))
    slowed = model(ids).logits
    model.model.rotary_emb.inv_freq = 1 / 5e5 ** (torch.arange(0, 16, 2) / 16)
    assert float((model(ids).logits - slowed).abs().max()) > 0.01


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (lambda w: w.add_bool("llama.attention.causal", False), r"not known here, such as attention\.causal"),
        (lambda w: w.add_logit_scale(0.5), r"not known here, such as logit_scale"),
        (lambda w: w.add_sliding_window(8), r"not known here, such as attention\.sliding_window"),
        (lambda w: w.add_expert_count(8), "a mixture of experts"),
        (lambda w: w.add_rope_dimension_count(4), "turns 4 of the 16 numbers of a head"),
        (
            lambda w: w.add_tensor("rope_freqs.weight", np.ones(5, np.float32)),
            r"rope_freqs\.weight of the sizes \[5\], but a head turns 8 pairs",
        ),
    ],
)
def test_what_would_be_lost_is_refused_by_the_header(more, said, tmp_path):
    path = tmp_path / "other.gguf"
    write_tiny_gguf(path, more=more)
    with pytest.raises(ModelError, match=said):
        load(str(path), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_short_waves_are_kept_and_long_ones_slowed():
    found = rope_factors(LLAMA3, 64)
    assert (found[0], found[-1]) == (1.0, 8.0)
    assert any(1 < each < 8 for each in found)
    assert found == sorted(found)
