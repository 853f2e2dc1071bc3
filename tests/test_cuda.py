"""On a CUDA device the tracer gives what it gives on the processor; skipped where there is none."""

import pytest
import torch
from tests_support import random_transcoders, tiny_subject
from tolerance import assert_close

from tracer.attribution.attribute import trace
from tracer.attribution.frozen_forward import freeze
from tracer.attribution.neurons import units_of
from tracer.attribution.targets import logit_difference
from tracer.interventions.intervene import measure, scale
from tracer.transcoders.attribute import trace_transcoders

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@needs_cuda
def test_graphs_and_interventions_are_the_same_on_cuda(tiny):
    found = []
    for device in ("cpu", "cuda"):
        subject = tiny_subject(tiny, "llama")
        subject.model.to(device)
        frozen = freeze(subject, torch.arange(1, 8, device=device))
        target = logit_difference(frozen, 3, 50)
        graphs = [
            trace(frozen, target, "LD", nodes=40),
            trace(frozen, target, "LD", candidates=320, epsilon=0.3),
            trace_transcoders(frozen, random_transcoders(frozen), max_feature_nodes=40),
        ]
        units = units_of(torch.arange(5, device=device), 7, frozen.layers[0].acts.shape[1])
        moved = measure(frozen, [scale(frozen, units, 0.0)], [3, 50]).logits
        found.append([*(graph.edges.cpu() for graph in graphs), moved.cpu()])
    for mine, theirs in zip(*found, strict=True):
        assert_close(mine, theirs, dtype=torch.float32)
