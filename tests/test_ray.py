"""Suites on a Ray cluster: the same files as from one process; a killed worker costs its case only."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from test_suite import CASES, bundles, command
from tests_support import run_here

from agent import AgentError, join_cluster, replay_bundles
from tests.planted import circuits

ROOT = Path(__file__).parents[1]


def test_without_ray_it_is_said_how_to_get_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AgentError, match=r"pip install 'askcircuit\[ray\]'"), join_cluster("auto"):
        pass
    (tmp_path / "s.yaml").write_text(CASES, encoding="utf-8")
    words = ("investigate", str(tmp_path / "s.yaml"), "--ray=auto", "-o", str(tmp_path / "o"))
    done = run_here(capsys, monkeypatch, *words)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr
    assert b"pip install" in done.stderr
    assert not (tmp_path / "o").exists()


def test_an_address_where_nobody_is_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))  # is not asked
    with pytest.raises(AgentError, match=r"no Ray cluster at '127\.0\.0\.1:1'"), join_cluster("127.0.0.1:1"):
        pass


CLUSTER = """
import sys
from ray.cluster_utils import Cluster

nodes = Cluster()
for _ in range(2):
    nodes.add_node(num_cpus=1, object_store_memory=80_000_000, include_dashboard=False)
print("address", nodes.address, flush=True)
sys.stdin.read()
nodes.shutdown()
"""


@pytest.fixture(scope="module")
def cluster():
    """Two nodes on this machine, in a process of their own; their address."""
    pytest.importorskip("ray", reason="needs askcircuit[ray]")
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as nodes:  # fmt: skip
        yield next(line.split()[1] for line in nodes.stdout if line.startswith("address"))
        nodes.stdin.close()


def without_cost(folder):
    """Every bundle of a folder, byte for byte but for what it cost."""
    out = {}
    for path in sorted((folder / "bundles").glob("*.gz")):
        held = json.loads(gzip.decompress(path.read_bytes()))
        del held["report"]["cost"]
        out[path.name] = json.dumps(held)
    return out


def workers():
    """Process ids of workers that have been given a case."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::Worker.answer"):
                found.append(int(path.parent.name))
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.slow
def test_a_cluster_gives_the_same_files_and_a_killed_worker_costs_its_case_only(cluster, tmp_path):
    planted = circuits.lookup(tmp_path / "model", "gpt2")
    (tmp_path / "s.yaml").write_text(CASES, encoding="utf-8")
    environment = {
        **os.environ, "ASKCIRCUIT_DATA_DIR": str(tmp_path / "data"), "ASKCIRCUIT_CONTROLS": "19",
        "ASKCIRCUIT_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    arguments = ["investigate", tmp_path / "s.yaml", "--model", planted.folder, "--no-baselines"]
    alone = subprocess.run(
        command(*arguments, "-o", tmp_path / "alone"),
        cwd=ROOT, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    apart = subprocess.Popen(
        command(*arguments, "-o", tmp_path / "ray", "--ray", cluster),
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    limit = time.monotonic() + 300
    while not (at_work := workers()) and apart.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    os.kill(at_work[0], signal.SIGKILL)
    _, told = apart.communicate(timeout=400)
    assert apart.returncode == alone.returncode, told + alone.stderr
    assert "The cluster has 2 node(s)." in told
    assert "Traceback" not in told
    assert len(bundles(tmp_path / "ray")) == 4
    assert without_cost(tmp_path / "ray") == without_cost(tmp_path / "alone")
    assert replay_bundles(tmp_path / "ray") == []
