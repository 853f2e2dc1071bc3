"""Commands killed at random moments: what was finished is there, what is half-made is read by nobody.

`python -m tests.benchmarks.kills --count 200 --seed 1`. Each command runs on a small model in a process
forked from one that has imported everything. It is run once to its end, which tells how much processor time
it takes; then it is killed (SIGKILL) at moments spread over all of it, and what it left is taken up again, to
the same end. `--troubles` gives it a disk that fills up, files of another version and a second process
instead (`kill_troubles.py`); the first needs root, to mount a small disk.
"""

import argparse
import contextlib
import gzip
import importlib
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import agent
import tracer
import ui
from tests.benchmarks import kill_troubles

sys.path.insert(0, str(Path(__file__).parents[1]))  # what tests share is imported as pytest has it

LONGEST = 900.0  # seconds a command may take, however busy the machine is
ANSWER = "What it says."  # how an answer begins in a terminal
TEXT = "the red capital of France is"
BETWEEN = 0.01  # seconds between two looks at a process


@dataclass(frozen=True)
class Job:
    """A command, how it goes on after it was killed, and what of its results is compared."""

    name: str
    share: int
    first: list[str]
    again: list[str]
    results: Callable[[Path], Any]
    finished: Callable[[Path], Any] = lambda _room: {}
    typed: str = ""


def run(room: Path, words: list[str], typed: str = "", limit: float | None = None) -> tuple[int, float]:
    """Run a command of ours in a fork: its exit code (negative: killed) and its processor seconds.

    With `limit`, it is killed once it has used so much.
    """
    child = start(room, words, typed)
    end = time.monotonic() + LONGEST
    used = 0.0
    while True:
        pid, state, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(state), usage.ru_utime + usage.ru_stime
        used = _processor_seconds(child)
        if (limit is not None and used >= limit) or time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            limit = None
        time.sleep(BETWEEN)


def start(room: Path, words: list[str], typed: str = "", told: Path | None = None) -> int:
    """Begin a command in a fork; what it says and tells goes to files in the room, or in `told`."""
    child = os.fork()
    if child == 0:
        _be_command(room, words, typed, told or room)
    return child


def _processor_seconds(child: int) -> float:
    """Of a process and of those it has waited for or begun."""
    total = 0
    with contextlib.suppress(OSError, ValueError):
        words = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total = sum(int(words[at]) for at in (11, 12, 13, 14))
        for other in Path(f"/proc/{child}/task/{child}/children").read_text().split():
            words = Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()
            total += int(words[11]) + int(words[12])
    return total / os.sysconf("SC_CLK_TCK")


def _be_command(room: Path, words: list[str], typed: str, told: Path) -> None:
    from ui.commands.cli import run_command

    (told / "typed").write_text(typed)
    for stream, name, how in ((0, "typed", os.O_RDONLY), (1, "said", os.O_WRONLY), (2, "told", os.O_WRONLY)):
        os.dup2(os.open(told / name, how | (os.O_CREAT | os.O_TRUNC if stream else 0), 0o600), stream)
    os.environ |= {
        "ASKCIRCUIT_DATA_DIR": str(room / "data"),
        "ASKCIRCUIT_CACHE_DIR": str(room / "cache"),
        "ASKCIRCUIT_CONTROLS": "19",
        "TMPDIR": str(room / "tmp"),
    }
    (room / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = None
    os.chdir(room)
    sys.stdin, sys.argv = open(0, closefd=False), ["askcircuit", *words]  # noqa: SIM115
    code = 70
    try:
        code = run_command()
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def without_cost(path: Path) -> Any:
    """A report as it says, but for what it cost."""
    return {k: v for k, v in json.loads(path.read_text()).items() if k != "cost"}


def read_answer(room: Path) -> Any:
    """The files of an answer, whole."""
    out = room / "out"
    json.loads((out / "drawing.json").read_text())
    return without_cost(out / "report.json"), (out / "answer.md").read_text()


def whole_answer_files(room: Path) -> Any:
    """What of an answer's files is there; each must be readable."""
    out = room / "out"
    there = {path.name: path.read_bytes() for path in out.glob("*.*") if not path.name.startswith(".")}
    for name, content in there.items():
        if name.endswith(".json"):
            json.loads(content)
    return {}


def read_bundles(room: Path) -> Any:
    """Bundles by case, without what they cost and when they were made."""
    from agent import replay_bundles

    paths = sorted((room / "out" / "bundles").glob("*.gz"))
    if wrong := list(replay_bundles(room / "out")):
        raise ValueError(f"bundles do not replay: {wrong[:2]}")
    return {path.name: sorted(json.loads(gzip.decompress(path.read_bytes()))) for path in paths}


def bundle_times(room: Path) -> Any:
    """Bundles that are there, with when each was written: none is made twice."""
    paths = list((room / "out" / "bundles").glob("*.gz"))
    for path in paths:
        json.loads(gzip.decompress(path.read_bytes()))
    return {path.name: path.stat().st_mtime_ns for path in paths}


def answers_kept(room: Path) -> Any:
    """The answers of the conversation by their place; those that the terminal showed are among them."""
    from agent.workspace.conversations import Conversations

    talks = Conversations(room / "data")
    try:
        said = talks.state("terminal").get("history", [])
    finally:
        talks.close()
    answers = [line["content"] for line in said if line["role"] == "assistant"]
    shown = (room / "said").read_text(errors="replace").count(ANSWER)
    if len(answers) < shown:
        raise ValueError(f"{shown} answers were shown and {len(answers)} are kept")
    return dict(enumerate(answers))


def read_talk(room: Path) -> Any:
    """Whether both questions have their answer, and none is left over."""
    return len(answers_kept(room)) >= 2


def numbers_in(name: str) -> Callable[[Path], Any]:
    """The tensors of a file, as bytes."""

    def read(room: Path) -> Any:
        from safetensors.torch import load_file

        return {k: v.numpy().tobytes() for k, v in load_file(room / name).items()}

    return read


def described(room: Path) -> Any:
    """What a run of descriptions wrote, name and bytes."""
    return {p.name: p.read_bytes() for p in sorted((room / "features").iterdir()) if p.suffix != ".json"}


def read_model(room: Path) -> Any:
    """The folder that was made from a GGUF file: one, and whole."""
    made = [path for path in (room / "cache").iterdir() if path.is_dir()]
    if len(made) != 1 or made[0].name.startswith("."):
        raise ValueError(f"{sorted(p.name for p in made)} in the cache")
    return {p.name: p.read_bytes() for p in made[0].iterdir() if p.suffix != ".md"}


def list_jobs(folder: Path) -> list[Job]:
    """The commands, on models that are made here."""
    from tests.conftest import build_tiny
    from tests.planted import circuits
    from tests.tests_support import words_tokenizer
    from tests.tiny_gguf import write_tiny_gguf

    planted = str(circuits.lookup(folder / "planted", "gpt2").folder)
    build_tiny("gemma3").float().save_pretrained(folder / "tiny")
    words_tokenizer().save_pretrained(folder / "tiny")
    tiny, gguf = str(folder / "tiny"), str(folder / "tiny.gguf")
    write_tiny_gguf(folder / "tiny.gguf")
    dice = random.Random(0)
    with (folder / "corpus.jsonl").open("w") as file:
        for _ in range(60):
            words = " ".join(f"w{dice.randrange(97)}" for _ in range(600))
            file.write(json.dumps({"text": words, "source": "made"}) + "\n")
    suite = [{"id": f"c{i}", "text": TEXT, "said": "Paris", "foil": "Rome"} for i in range(3)]
    (folder / "suite.yaml").write_text(json.dumps(suite))
    why = ["why", TEXT, "--model", planted, "--out", "out", "--overwrite"]
    talk = ["chat", "--terminal", "--model", planted]
    asked = f"why does '{TEXT}' say Paris rather than Rome?\nremove S1\n"
    cases = ["investigate", str(folder / "suite.yaml"), "-o", "out", "--model", planted, "--no-baselines"]
    corpus = ["--corpus", str(folder / "corpus.jsonl"), "--model", tiny]
    unpack = ["write", "The", "--tokens", "1", "--plain"]
    lens = ["lens", "fit", *corpus, "--tokens", "2000", "--work", "work", "--out", "lens.safetensors"]
    features = ["features", "describe", *corpus, "--tokens", "20000", "--work", "work", "--out", "features"]
    load = ["write", "!", "--tokens", "1", "--plain", "--model", gguf]
    return [
        Job("why", 5, why, why, read_answer, whole_answer_files),
        Job("why, gone on with", 3, why, ["why", "--resume", *why[2:]], read_answer, whole_answer_files),
        Job("chat", 4, talk, talk, read_talk, answers_kept, asked),
        Job("investigate", 4, cases, [*cases, "--resume"], read_bundles, bundle_times),
        Job("lens fit", 4, lens, [*lens, "--overwrite"], numbers_in("lens.safetensors")),
        Job("features describe", 3, features, features, described),
        Job("conversion", 2, load, load, read_model),
        Job("unpacking", 1, unpack, unpack, read_model),
    ]


def import_all() -> None:
    """Import whatever commands import when they need it, once for all that are killed."""
    import chromadb

    for package in (tracer, agent, ui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    _ = chromadb


def main() -> int:
    """Kill them; 0 where nothing was lost and nothing half-made was read."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only")
    options.add_argument("--troubles", action="store_true")
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    dice, failed = random.Random(asked.seed), 0
    jobs = [job for job in list_jobs(folder) if asked.only in (None, job.name)]
    if asked.troubles:
        return kill_troubles.give(jobs, folder, asked.count, dice, (run, start, take_up))
    whole = sum(job.share for job in jobs)
    print("| command | killed | ended before | taken up again | not as it must be |\n|---|---|---|---|---|")
    for job in jobs:
        counts = kill_many(job, folder, round(asked.count * job.share / whole), dice)
        failed += counts["wrong"]
        shown = " | ".join(str(counts[name]) for name in ("killed", "ended", "again", "wrong"))
        print(f"| {job.name} | {shown} |", flush=True)
    shutil.rmtree(folder)
    return 1 if failed else 0


def kill_many(job: Job, folder: Path, count: int, dice: random.Random) -> Counter[str]:
    """One command killed at so many moments."""
    room = Path(tempfile.mkdtemp(prefix="uncut-", dir=folder))
    code, seconds = run(room, job.first, job.typed)
    if code:
        raise SystemExit(f"{job.name} ended with {code}: {(room / 'told').read_text()[-2000:]}")
    uncut, counts = job.results(room), Counter[str]()
    print(f"{job.name}: {seconds:.1f} s of processor time uncut", file=sys.stderr, flush=True)
    for at in range(count):
        moment = seconds * (at + dice.random()) / count
        try:
            counts[kill_once(job, folder, moment, uncut)] += 1
            counts["again"] += 1
        except Exception as exc:
            counts["wrong"] += 1
            print(f"{job.name}, at {moment:.2f} of {seconds:.2f} s: {type(exc).__name__}: {exc}", flush=True)
    return counts


def kill_once(job: Job, folder: Path, moment: float, uncut: Any) -> str:
    """Kill a command at a moment, look at what is there, take it up again, compare; how it had ended."""
    room = Path(tempfile.mkdtemp(prefix="cut-", dir=folder))
    code, _ = run(room, job.first, job.typed, limit=moment)
    take_up(job, room, uncut)
    shutil.rmtree(room)
    return "killed" if code < 0 else "ended"


def take_up(job: Job, room: Path, uncut: Any) -> None:
    """Go on with what lies in a room; raises ValueError where it does not end as it must."""
    before, again, typed = job.finished(room), job.again, job.typed
    code_again, _ = run(room, again, typed)
    told = (room / "told").read_text(errors="replace")
    if code_again == 2 and "there is nothing to go on with" in told:  # it had not begun, or was done
        code_again, _ = run(room, job.first, typed)
    elif code_again == 2 and "holds results" in told:
        code_again, _ = run(room, [*job.first, "--resume"], typed)
    if code_again:
        raise ValueError(f"ended with {code_again}: {(room / 'told').read_text(errors='replace')[-800:]}")
    after = job.finished(room)
    if isinstance(before, dict) and any(after.get(name) != value for name, value in before.items()):
        raise ValueError(f"what was finished was lost or made again: {before} {after}")
    if (found := job.results(room)) != uncut:
        raise ValueError(f"another result: {_difference(found, uncut)}")


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        return f"differs in {[k for k in one.keys() | other.keys() if one.get(k) != other.get(k)][:5]}"
    if isinstance(one, tuple):
        return "; ".join(_difference(a, b) for a, b in zip(one, other, strict=True) if a != b)
    return f"{str(one)[:200]!r} and {str(other)[:200]!r}"


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    import_all()
    sys.exit(main())
