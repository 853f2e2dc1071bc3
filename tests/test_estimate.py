"""What a trace needs is told before anything is loaded, and is near what it then takes."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from agent import AgentError, estimate_needs, read_settings
from tracer.errors import ModelError, TranscodersError, UnsupportedFamily
from tracer.models.model_names import EMBEDDED
from tracer.models.packaged import ensure_embedded
from tracer.study.estimate import PACKAGED, set_sizes, sizes_of, speed

TRACED = """
import sys, time
from pathlib import Path
from tracer.study.estimate import speed
from tracer.study import Study
from tracer.models.model import load
from tracer.study.traced_study import TracedStudy
subject = load("embedded", cache=Path(sys.argv[1]))
for _ in range(4):
    before, started = speed(), time.perf_counter()
    study = Study(subject, "Fact: the capital of the state containing the city of Dallas in Texas is", 64)
    best = study.predictions(2)
    TracedStudy(study.contrast(best[0].token_id, best[1].token_id), 500)
    took = time.perf_counter() - started
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
    print(len(study.tokens), took, int(peak) * 1024, before, speed())
"""


def test_the_estimate_is_within_a_factor_of_two_of_what_is_measured(cache_folder):
    command, off = [sys.executable, "-u", "-c", TRACED, str(cache_folder)], []
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True
    ) as traces:
        for line in traces.stdout:  # up to four: what else runs here slows one or the other
            tokens, seconds, peak, *rates = map(float, line.split())
            wanted = [sizes_of(EMBEDDED).need(int(tokens), 500, rate) for rate in rates]
            assert peak / 2 < wanted[0].memory < 2 * peak
            least, most = (choose(need.seconds for need in wanted) for choose in (min, max))
            off.append(max(least / seconds, seconds / most))
            if off[-1] < 2:
                traces.kill()
                break
    assert off
    assert min(off) < 2, off


def test_the_packaged_sizes_are_those_of_the_made_model(cache_folder):
    folder = ensure_embedded(cache_folder)
    sizes = sizes_of(EMBEDDED)
    assert sizes_of(str(folder)) == replace(sizes, name=str(folder))
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert sizes.parameters * 4 == pytest.approx(stored, rel=1e-3)


def test_more_tokens_and_more_neurons_need_more():
    sizes = sizes_of(EMBEDDED)
    needs = [sizes.need(tokens, nodes, 1e10) for nodes in (500, 2000) for tokens in (16, 128, 512)]
    for one, two in ((0, 1), (1, 2), (0, 3), (2, 5)):
        assert needs[one].memory < needs[two].memory
        assert needs[one].seconds < needs[two].seconds
    answers = [sizes.answer_seconds(tokens, 2000, 1e10) for tokens in (8, 16, 128, 512)]
    assert answers == sorted(answers)
    long = [sizes.need(4096, 1000, 1e10, window) for window in (256, 512, None)]
    assert long[0].memory < long[1].memory < 8e9 < long[2].memory  # of its end; of all of it
    assert long[0].seconds < long[1].seconds < long[2].seconds
    assert sizes.answer_seconds(4096, 1000, 1e10, 512) > sizes.answer_seconds(512, 1000, 1e10, 512)
    assert answers[0] > 2 * sizes.need(8, 2000, 1e10).seconds  # tests take longer than the graph
    assert speed() > 1e8


@pytest.mark.parametrize("family", ["gemma2", "llama", "qwen3", "gpt2", "gpt_neox"])
def test_a_folder_needs_only_its_config(family, tiny, tmp_path):
    model = tiny(family)
    (tmp_path / "config.json").write_text(model.config.to_json_string(use_diff=False), encoding="utf-8")
    counted = sum(p.numel() for n, p in model.named_parameters() if p.ndim == 2 and "wpe" not in n)
    assert sizes_of(str(tmp_path)).parameters == pytest.approx(counted, rel=0.05)


def test_what_is_not_there_or_not_supported_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="not on this machine"):
        sizes_of("nobody/nothing")
    with pytest.raises(ModelError, match="not on this machine"):
        sizes_of("no/such/model/anywhere")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mamba"}), encoding="utf-8")
    with pytest.raises(UnsupportedFamily, match="Supported families: Gemma 3"):
        sizes_of(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    with pytest.raises(ModelError, match="does not say how large"):
        sizes_of(str(tmp_path))
    with pytest.raises(AgentError, match="not on this machine"):
        list(estimate_needs(read_settings(model="nobody/nothing")))


def test_transcoders_are_told_by_their_headers(tmp_path):
    for layer in range(2):
        tables = {"W_enc": torch.zeros(96, 640), "W_dec": torch.zeros(96, 640), "b_enc": torch.zeros(96)}
        tables["b_dec"] = torch.zeros(640)
        save_file(tables, tmp_path / f"layer_{layer}.safetensors")
    found = set_sizes(str(tmp_path))
    assert (found.kind, found.files, found.features, found.d_model) == ("per-layer ReLU", 2, 96, 640)
    lines = "\n".join(estimate_needs(read_settings(transcoders=str(tmp_path)), [40]))
    assert "Layers 2, 3, 4" in lines
    assert "A trace of 40 tokens needs about" in lines
    assert re.search(
        r"A trace of 512 tokens .*; a whole answer with its tests, about \d+ (minutes|hours)", lines
    )
    (tmp_path / "layer_1.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(TranscodersError, match="damaged"):
        set_sizes(str(tmp_path))
    with pytest.raises(TranscodersError, match="neither a folder here, nor a Hugging Face set"):
        set_sizes(str(tmp_path / "none"))


def test_smollm2_is_known_by_its_sizes():
    assert PACKAGED["smollm2"]["num_hidden_layers"] == 30
