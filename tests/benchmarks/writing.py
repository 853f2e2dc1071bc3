"""How fast the subject writes: seconds to the first token, tokens a second, and whether they are exact.

    python -m tests.benchmarks.writing [MODEL] [--tokens 60]

One conversation through the agent's own door, a model that is loaded. Processor seconds over two cores are
about what a quiet machine with two cores takes, however busy this one is; the clock's seconds stand beside.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from agent import Failed, Session, TextWritten, WriteRequest, open_workspace, read_settings

TEXTS = (
    "Mount Fuji is the tallest mountain in",
    "The recipe for a good soup begins with",
    "def mean(values):\n    ",
    "On the morning of the third day, the captain",
)


def measure(session: Session, text: str, tokens: int) -> dict[str, float]:
    """One continuation: seconds to its first token, and tokens a second behind that."""
    start, spent, first = time.perf_counter(), time.process_time(), 0.0
    count = 0
    for event in session.write(WriteRequest(text, tokens=tokens)):
        if isinstance(event, Failed):
            raise SystemExit(event.why)
        if isinstance(event, TextWritten) and not event.done:
            count += 1
            if count == 1:
                first, begun, used = time.perf_counter() - start, time.perf_counter(), time.process_time()
            clock, work = time.perf_counter() - begun, (time.process_time() - used) / 2
    return {
        "first": first,
        "first_work": (used - spent) / 2,
        "clock": (count - 1) / clock,
        "work": (count - 1) / work,
    }


def largest_error(workspace: Any, text: str, tokens: int) -> float:
    """The largest difference of a probability from that of a pass without cache, as a share of it."""
    from tracer import Pen, draft_ids, draft_text, read_draft, spelled, write_draft

    subject = workspace.subject
    draft = draft_text(subject, text, 512)
    written = list(write_draft(subject, draft, Pen(tokens=tokens)))
    ids = [*draft.ids, *(one.token_id for one in written)]
    read = read_draft(subject, draft_ids(subject, spelled(subject, ids), ids), len(draft.ids))
    pairs = zip(written, read, strict=True)
    return max(abs(one.p - other.p) / other.p for one, other in pairs if other is not None)


def main() -> None:
    """Measure, and print a line a text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="embedded")
    parser.add_argument("--tokens", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(model=given.model, threads=2, data_dir=Path(folder))
        with open_workspace(settings) as workspace:
            session = Session(workspace, "writing")
            measure(session, TEXTS[0], 4)  # warm
            for text in TEXTS:
                seen = measure(session, text, given.tokens)
                first = f"first token {seen['first']:.2f} s (processor {seen['first_work']:.2f})"
                rate = f"{seen['clock']:.1f} tokens a second (processor {seen['work']:.1f})"
                print(f"{text[:40]!r:<44} {first}, {rate}")
            print(f"load {os.getloadavg()[0]:.1f}")
            error = max(largest_error(workspace, text, 20) for text in TEXTS)
            print(f"largest error of a probability, as a share of it: {error:.1e}")


if __name__ == "__main__":
    main()
