"""Child processes for generated inputs: forked from one that has imported everything, with limits."""

import contextlib
import faulthandler
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed as seeded, settings

from tests.benchmarks.fuzz.trials import INPUTS, TRIALS, Made, Wrong, make_materials

MEMORY = 3 << 30  # bytes a child may take beyond what its parent has
SECONDS = 30.0  # of processor time for one input
WALL = 240.0  # seconds for one input, however busy the machine is


def prepare() -> Made:
    """What all children share: small models, files to be changed."""
    return make_materials(Path(tempfile.mkdtemp(prefix="fuzz-")))


def run_batch(made: Made, kind: str, seed: int, batch: int, count: int) -> Iterator[tuple[str, str]]:
    """(outcome, what it was) of each input of a batch, run in a child."""
    room = Path(tempfile.mkdtemp(prefix="batch-", dir=made.folder))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(made, kind, seed * 100_003 + batch, count, room, writing)
    os.close(writing)
    try:
        yield from _watch(child, reading, room.with_suffix(".where"))
    finally:
        os.close(reading)
        shutil.rmtree(room, ignore_errors=True)


def _watch(child: int, reading: int, where: Path) -> Iterator[tuple[str, str]]:
    """Lines of a child, until it ends or takes too long over one input."""
    held, under_way, since, used = b"", "", time.monotonic(), _processor_seconds(child)
    while True:
        ready, _, _ = select.select([reading], [], [], 0.5)
        if ready:
            got = os.read(reading, 1 << 16)
            if not got:
                break
            *lines, held = (held + got).split(b"\n")
            for line in lines:
                outcome, what = json.loads(line)
                under_way = what if outcome == "begin" else ""
                since, used = time.monotonic(), _processor_seconds(child)
                if outcome != "begin":
                    yield outcome, what
        elif _processor_seconds(child) - used > SECONDS or time.monotonic() - since > WALL:
            os.kill(child, signal.SIGUSR1)  # it writes down where it is
            time.sleep(1.0)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            yield "hang", f"{under_way}\n{where.read_text()[-3000:]}"
            return
    _, state = os.waitpid(child, 0)
    if state:
        yield "killed", f"{under_way} ({state})"


def _processor_seconds(child: int) -> float:
    try:
        words = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _be_child(made: Made, kind: str, seed: int, count: int, room: Path, writing: int) -> None:
    """Run one batch and end; nothing is printed."""
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.register(signal.SIGUSR1, room.with_suffix(".where").open("w"), all_threads=True)
    (room / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(room / "tmp")
    os.chdir(room)

    def tell(outcome: str, what: str) -> None:
        os.write(writing, json.dumps([outcome, what]).encode() + b"\n")

    @seeded(seed)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(INPUTS[kind](made))
    def one(given: Any) -> None:
        what = repr(given)[:1500]
        tell("begin", what)
        tell(*_outcome(made, kind, given, room, what))

    try:
        one()
    except BaseException:  # what generates the inputs failed: they are fewer, and that is told
        with contextlib.suppress(BaseException):
            tell("traceback", f"between two inputs\n{traceback.format_exc(limit=-12)}")
    os._exit(0)


def _outcome(made: Made, kind: str, given: Any, room: Path, what: str) -> tuple[str, str]:
    try:
        outcome = TRIALS[kind](made, given, room)
    except Wrong as exc:
        return "wrong", f"{exc}: {what}"
    except BaseException:
        return "traceback", f"{what}\n{traceback.format_exc(limit=-6)}"
    left = sorted(str(path.relative_to(room)) for path in room.rglob("*") if path != room / "tmp")
    if left:
        shutil.rmtree(room / "tmp")
        for path in room.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (room / "tmp").mkdir()
        return "left", f"{left[:3]}: {what}"
    return outcome, ""


if __name__ == "__main__":
    sys.exit("run the package: python -m tests.benchmarks.fuzz")
