"""Attention sinks are recognised by what attention and the stream do, not by the begin token's name."""

import pytest
import torch
from tests_support import FAMILIES, freeze_words, tiny_subject

from tracer.attribution.frozen_forward import freeze
from tracer.attribution.sink import attention_received, find_sinks


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_received_is_what_the_model_attends_with(tiny, family):
    subject = tiny_subject(tiny, family)
    frozen = freeze_words(subject, 7)
    out = subject.model(frozen.ids[None], use_cache=False, output_attentions=True)
    later = torch.ones(7, 7).tril(-1)
    for index, attention in enumerate(out.attentions):
        mean = attention[0].float().mean(0)
        wanted = (mean * later).sum(0) / later.sum(0).clamp_min(1)
        assert torch.allclose(attention_received(frozen, index), wanted, atol=1e-5)


def test_a_random_model_has_no_sink_and_one_token_is_none(tiny):
    subject = tiny_subject(tiny, "llama")
    assert find_sinks(freeze_words(subject, 9)) == ()
    assert find_sinks(freeze_words(subject, 1)) == ()


def test_the_embedded_model_uses_its_begin_token(embedded_subject):
    for text in ("The capital of France is", "One, two, three, four, five,"):
        assert find_sinks(freeze(embedded_subject, embedded_subject.encode(text, 64))) == (0,)
