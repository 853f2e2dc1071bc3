"""What else befalls a command: a disk that fills up, files of another version, a second one beside it.

Whatever it was, no traceback is printed, and once there is room again the command ends as it always does.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PLACES = ("cache", "data", "out", "work")  # of a room, where commands write
LEAST = 16 << 10  # bytes of the smallest disk
ENDED_WELL = (0, 1, 2)  # exit codes: done, failed with a sentence, refused with one
FORMATS = re.compile(rb'"format":( ?)"?[0-9]+"?')
Tools = tuple[Callable[..., tuple[int, float]], Callable[..., int], Callable[..., None]]


def give(jobs: list[Any], folder: Path, count: int, dice: random.Random, tools: Tools) -> int:
    """Every trouble to every command, `count` times over all; 0 where all ended as they must."""
    run, _, _ = tools
    each, failed = max(1, count // (3 * len(jobs))), 0
    print("| command | trouble | times | told in a sentence | went on | not as it must be |")
    print("|---|---|---|---|---|---|")
    for job in jobs:
        room = Path(tempfile.mkdtemp(prefix="whole-", dir=folder))
        code, _ = run(room, job.first, job.typed)
        if code:
            raise SystemExit(f"{job.name} ended with {code}: {(room / 'told').read_text()[-2000:]}")
        for trouble in (fill_disk, change_version, run_beside):
            counts: Counter[str] = Counter()
            for _ in range(each):
                other = Path(tempfile.mkdtemp(prefix="other-", dir=folder))
                try:
                    told = trouble(job, room, other, dice, tools)
                    counts["told" if told else "went on"] += 1
                except Exception as exc:
                    counts["wrong"] += 1
                    print(f"{job.name}, {trouble.__name__}: {type(exc).__name__}: {exc}", flush=True)
                finally:
                    _free(other)
                    shutil.rmtree(other, ignore_errors=True)
            failed += counts["wrong"]
            shown = " | ".join(str(counts[name]) for name in ("told", "went on", "wrong"))
            print(f"| {job.name} | {trouble.__doc__} | {each} | {shown} |", flush=True)
    shutil.rmtree(folder)
    return 1 if failed else 0


def fill_disk(job: Any, whole: Path, room: Path, dice: random.Random, tools: Tools) -> bool:
    """a disk that fills up"""
    run, _, take_up = tools
    place = dice.choice([name for name in PLACES if (whole / name).exists()])
    held = sum(path.stat().st_size for path in (whole / place).rglob("*") if path.is_file())
    size = dice.randrange(LEAST, max(held, 2 * LEAST))
    (room / place).mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", room / place], check=True)
    code, _ = run(room, job.first, job.typed)
    told = _check_told(code, room)
    subprocess.run(["mount", "-o", "remount,size=4g", room / place], check=True)
    take_up(job, room, job.results(whole))
    return told


def change_version(job: Any, whole: Path, room: Path, dice: random.Random, tools: Tools) -> bool:
    """a file of another version"""
    run, _, take_up = tools
    shutil.copytree(whole, room, dirs_exist_ok=True)
    kept = [path for name in ("cache", "data") for path in sorted((room / name).rglob("*")) if _holds(path)]
    if not kept:
        return False
    path = dice.choice(kept)
    content = path.read_bytes()
    stated = FORMATS.sub(rb'"format":\g<1>97', content)
    changed = [content[: len(content) // 2], b"made by another version", stated if stated != content else b""]
    path.write_bytes(dice.choice(changed))
    for name in ("out", "work", "features", "lens.safetensors"):  # all of it is made again
        done = room / name
        shutil.rmtree(done) if done.is_dir() else done.unlink(missing_ok=True)
    code, _ = run(room, job.first, job.typed)
    told = _check_told(code, room, path)
    if code == 0 and job.name != "chat" and job.results(room) != job.results(whole):
        raise ValueError(f"another result, with {path.relative_to(room)} changed")
    if code:  # what is told is to be done: the file goes, and all is as before
        path.unlink()
        take_up(job, room, job.results(whole))
    return told


def run_beside(job: Any, whole: Path, room: Path, dice: random.Random, tools: Tools) -> bool:
    """a second process at once"""
    _, start, take_up = tools
    other = room / "beside"
    other.mkdir()
    one = start(room, job.first, job.typed)
    time.sleep(dice.random() * 2)
    two = start(room, job.first, job.typed, other)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in (one, two)]
    told = [_check_told(code, where) for code, where in zip(codes, (room, other), strict=True)]
    if all(codes):
        raise ValueError(f"neither ended well: {[(w / 'told').read_text()[-300:] for w in (room, other)]}")
    if job.name != "chat":  # two talks are four answers
        take_up(job, room, job.results(whole))
    return any(told)


def _check_told(code: int, where: Path, path: Path | None = None) -> bool:
    """Whether it ended with a sentence; raises ValueError for a traceback or a killed process."""
    told = (where / "told").read_text(errors="replace")
    if code not in ENDED_WELL or "Traceback" in told:
        raise ValueError(f"ended with {code}{f', {path} changed' if path else ''}: {told[-800:]}")
    if code and not told.strip():
        raise ValueError(f"ended with {code} and told nothing")
    return code != 0


def _holds(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0 and path.suffix != ".lock"


def _free(room: Path) -> None:
    for place in _mounted(room):
        subprocess.run(["umount", place], check=False)


def _mounted(room: Path) -> Iterator[str]:
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[1].startswith(str(room)):
            yield line.split()[1]


if __name__ == "__main__":
    sys.exit("run python -m tests.benchmarks.kills --troubles")
