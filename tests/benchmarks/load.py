"""Many visitors ask at once: who waits how long, what fails, what memory and disk do.

    python -m tests.benchmarks.load [--users 16] [--minutes 10]

Starts `askcircuit chat` on loopback as a host would, and speaks to its queue over HTTP as browsers do. Every
visitor asks, reads a moment, and asks again: 9 texts that repeat between visitors (so traces may still be in
memory), every fourth question a follow-up on the own last answer.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.visitors import Outcome, Visitor

ROOT = Path(__file__).parents[2]
TEXTS = (
    "Texas, whose capital is",
    "The opposite of up is",
    "The keys to the cabinet",
    "Fact: Michael Jordan plays the sport of",
    "The currency of the country whose capital is Tokyo is the",
    "Paris is the capital of",
    "Two plus two is",
    "The colour of the sky is",
    "Monday, Tuesday,",
)
FOLLOW_UPS = ("Remove S1.", "Which words mattered?", "How sure are you?", "Explain the strongest path.")
SIGNS = ("did not understand", "No answer", "Stopped")  # of what is no answer
PAUSE = 2.0  # seconds of reading, on average


@dataclass
class Asked:
    """One question and what came of it."""

    visitor: int
    sent: float
    outcome: Outcome


def visit(number: int, address: str, until: float, asked: list[Asked], began: float) -> None:
    """One visitor, until the time is over."""
    chance = random.Random(number)
    visitor = Visitor(address, forwarded=f"192.0.2.{number + 1}")
    turn = 0
    while time.monotonic() < until:
        turn += 1
        follow_up = turn % 4 == 0
        text = TEXTS[(number + turn) % len(TEXTS)]
        message = chance.choice(FOLLOW_UPS) if follow_up else f"Explain '{text}'."
        sent = time.monotonic() - began
        try:
            outcome = visitor.ask(message)
        except httpx.HTTPError as exc:
            outcome = Outcome(0, refusal=f"{type(exc).__name__}: {exc}")
        asked.append(Asked(number, sent, outcome))
        time.sleep(chance.uniform(0.5, 1.5) * PAUSE)
    visitor.close()


def watch(
    process: int, folder: Path, every: float, seen: list[tuple[float, float, float]]
) -> threading.Event:
    """Note time (s), resident memory (MB) and size of the data folder (MB) until the event is set."""
    over = threading.Event()

    def look() -> None:
        began = time.monotonic()
        while not over.wait(every):
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
            rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]
            kept = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6
            seen.append((time.monotonic() - began, rss, kept))

    threading.Thread(target=look, daemon=True).start()
    return over


def main() -> None:
    """Start the server, let the visitors in, print what happened."""
    options = argparse.ArgumentParser()
    options.add_argument("--users", type=int, default=16)
    options.add_argument("--minutes", type=float, default=10)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as data:
        settings = {
            "ASKCIRCUIT_DATA_DIR": data,
            "ASKCIRCUIT_PROXIES": "1",
            "ASKCIRCUIT_HOSTS": "127.0.0.1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        command = [sys.executable, "-m", "ui", "chat", "--port", "0"]
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True
        ) as server:
            address = address_of(server)
            asked, seen = run(given.users, given.minutes * 60, address, server.pid, Path(data))
            began = time.monotonic()
            server.terminate()
            complaints = server.communicate(timeout=120)[1]
            ended = time.monotonic() - began
    told(given.users, asked, seen)
    Console().print(
        f"SIGTERM: exit {server.returncode} after {ended:.1f} s; stderr: {complaints.strip() or 'empty'}"
    )


def address_of(server: "subprocess.Popen[str]") -> str:
    """Where it listens, once it is well."""
    assert server.stderr is not None
    while line := server.stderr.readline():
        if found := re.search(r"open at (http://\S+)", line):
            break
    else:
        raise SystemExit("load: the server did not start.")
    while httpx.get(f"{found[1]}health").status_code != 200:
        time.sleep(0.5)
    return found[1]


def run(
    users: int, seconds: float, address: str, process: int, folder: Path
) -> tuple[list[Asked], list[tuple[float, float, float]]]:
    """All visitors at once; what they asked, and what memory and disk did."""
    asked: list[Asked] = []
    seen: list[tuple[float, float, float]] = []
    began = time.monotonic()
    over = watch(process, folder, 5.0, seen)
    visitors = [
        threading.Thread(target=visit, args=(n, address, began + seconds, asked, began)) for n in range(users)
    ]
    for each in visitors:
        each.start()
    for each in visitors:
        each.join()
    over.set()
    return asked, seen


def told(users: int, asked: list[Asked], seen: list[tuple[float, float, float]]) -> None:
    """The figures."""
    done = [each for each in asked if each.outcome.success]
    failed = [each for each in asked if not each.outcome.success]
    whole = [each.outcome.ended or 0.0 for each in done]
    counts = [sum(each.visitor == n for each in done) for n in range(users)]
    longest = [
        max((each.outcome.ended or 0 for each in done if each.visitor == n), default=0) for n in range(users)
    ]
    table = Table(title=f"{users} visitors, {seen[-1][0] / 60:.1f} minutes", show_header=False)
    rows: list[tuple[str, str]] = [
        ("questions answered", f"{len(done)} ({len(done) / seen[-1][0] * 60:.1f} a minute)"),
        ("failed or refused", f"{len(failed)} {sorted({each.outcome.refusal for each in failed})}"),
        (
            "not understood, or no answer",
            str(sum(any(sign in each.outcome.words for sign in SIGNS) for each in done)),
        ),
        ("answers a visitor", f"{min(counts)} to {max(counts)}"),
        ("from question to last word", spread(whole)),
        ("longest, luckiest and unluckiest visitor", f"{min(longest):.1f} s, {max(longest):.1f} s"),
        ("overtaken", f"{overtaken(done)} of {len(done)}"),
        ("memory (MB)", trend([each[1] for each in seen])),
        ("data folder (MB)", trend([each[2] for each in seen])),
    ]
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)


def overtaken(done: list[Asked]) -> int:
    """Questions that came at least a second before another one and were answered after it."""
    times: list[tuple[float, float]] = [(each.sent, each.sent + (each.outcome.ended or 0)) for each in done]
    return sum(any(late > sent + 1 and end < ended for late, end in times) for sent, ended in times)


def spread(values: list[float]) -> str:
    """Median, 95th percentile and largest, in seconds."""
    ranked: list[Any] = sorted(values)
    high = ranked[int(0.95 * len(ranked))]
    return f"median {statistics.median(ranked):.1f} s, 95 % {high:.1f} s, most {ranked[-1]:.1f} s"


def trend(values: list[float]) -> str:
    """The first value, the means of the four quarters, and the largest."""
    size = max(1, len(values) // 4)
    quarters = [
        statistics.fmean(values[at : at + size]) for at in range(0, size * 4, size) if values[at : at + size]
    ]
    means = ", ".join(f"{each:.0f}" for each in quarters)
    return f"start {values[0]:.0f}, quarters {means}, most {max(values):.0f}"


if __name__ == "__main__":
    main()
