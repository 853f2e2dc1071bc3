"""Runs a suite's cases unattended, each to a bundle on disk; what is there is never done again.

A folder of results: suite.json (what was asked, with which settings), bundles/ID.json.gz (written last, whole
or not at all: a case with a bundle is done), baselines/ID.json, failed/ID.json (why a case has no bundle).
"""

import json
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event as SharedEvent
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from agent.answers import Bundle, write_bundle
from agent.core import AgentError, EffectClaim, Failed, RateClaim, Settings, find_groups, read_claims
from agent.session import Session, collect_report
from agent.suites.baseline_scores import baseline_claims
from agent.suites.schema import Suite, SuiteCase, SuiteError
from agent.workspace import Workspace, open_workspace

log = logging.getLogger(__name__)

FORMAT = "askcircuit-suite"


@dataclass(frozen=True, slots=True)
class FinishedCase:
    """A case that ended: with a bundle, or with the reason why not."""

    case: str
    seconds: float
    verdicts: tuple[str, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredCase:
    """A case's answer before it is kept, or why there is none; it may come from another machine."""

    case: str
    seconds: float
    bundle: bytes = b""  # packed
    verdicts: tuple[str, ...] = ()
    baselines: dict[str, Any] | None = None
    failed: str = ""


@dataclass(frozen=True)
class SuiteRun:
    """A suite, where its results go, and how it is run."""

    suite: Suite
    folder: Path
    settings: Settings
    baselines: bool

    @property
    def head(self) -> dict[str, Any]:
        """What must be the same for results to belong together."""
        s = self.settings
        how = {"model": s.model, "transcoders": s.transcoders, "nodes": s.nodes, "controls": s.controls}
        return {
            "format": FORMAT,
            "version": 1,
            "suite": self.suite.model_dump(mode="json"),
            "settings": {**how, "max_tokens": s.max_tokens, "brain": s.planner_name},
            "baselines": self.baselines,
        }

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """The folder for this run alone; raises SuiteError while another run has it."""
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout as exc:
            raise SuiteError(
                f"Another askcircuit is at work in {self.folder}; wait, or choose another."
            ) from exc
        try:
            yield
        finally:
            lock.release()

    def bundle_path(self, case: str) -> Path:
        """Where a case's bundle is, or will be."""
        return self.folder / "bundles" / f"{case}.json.gz"

    def missing(self) -> list[SuiteCase]:
        """The cases without a bundle, in order."""
        return [case for case in self.suite.cases if not self.bundle_path(case.id).exists()]

    def begin(self, resume: bool) -> list[SuiteCase]:
        """Claim the folder and say what is left to do.

        Raises SuiteError when it holds results and `resume` was not asked for, or results of something else.
        """
        there = self.folder / "suite.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if there.exists():
                self._same(json.loads(there.read_text(encoding="utf-8")), resume)
            elif any((self.folder / "bundles").glob("*")):
                raise SuiteError(f"The folder {self.folder} holds bundles of something else; choose another.")
            _write(there, self.head)
        except OSError as exc:
            raise SuiteError(f"The folder {self.folder} cannot be used: {exc.strerror or exc}.") from exc
        except ValueError as exc:
            raise SuiteError(f"{there} is damaged: delete it, or choose another folder.") from exc
        return self.missing()

    def _same(self, then: dict[str, Any], resume: bool) -> None:
        if not resume:
            raise SuiteError(f"The folder {self.folder} holds results: give --resume, or another folder.")
        now = self.head
        for name in ("format", "version", "settings"):
            if then.get(name) != now[name]:
                raise SuiteError(
                    f"The results in {self.folder} were made with other {name}: {then.get(name)}, not "
                    f"{now[name]}. Choose another folder."
                )
        known = {case["id"]: case for case in then["suite"]["cases"]}
        for case in now["suite"]["cases"]:
            if known.get(case["id"], case) != case and self.bundle_path(case["id"]).exists():
                raise SuiteError(
                    f"The case {case['id']!r} has changed since its bundle was made. Give it another id, or "
                    f"delete {self.bundle_path(case['id'])}."
                )

    def run_case(self, workspace: Workspace, case: SuiteCase) -> FinishedCase:
        """Answer one case and put its files in place; what fails in a way we know is told, not raised."""
        return self.keep(self.answer_case(workspace, case))

    def answer_case(self, workspace: Workspace, case: SuiteCase) -> AnsweredCase:
        """Answer one case and write nothing."""
        start = time.perf_counter()
        try:
            bundle = explain_case(workspace, case)
            baselines = baseline_claims(workspace, case) if self.baselines else None
        except AgentError as exc:
            return AnsweredCase(case.id, time.perf_counter() - start, failed=str(exc))
        verdicts = tuple(claim.verdict for claim in bundle.tests)
        return AnsweredCase(case.id, time.perf_counter() - start, bundle.packed(), verdicts, baselines)

    def keep(self, answered: AnsweredCase) -> FinishedCase:
        """Put a case's files in place, its bundle last."""
        failed = self.folder / "failed" / f"{answered.case}.json"
        if answered.failed:
            _write(failed, {"why": answered.failed})
            return FinishedCase(answered.case, answered.seconds, failed=answered.failed)
        if answered.baselines is not None:
            _write(self.folder / "baselines" / f"{answered.case}.json", answered.baselines)
        write_bundle(self.bundle_path(answered.case), answered.bundle)
        failed.unlink(missing_ok=True)
        return FinishedCase(answered.case, answered.seconds, answered.verdicts)


def explain_case(workspace: Workspace, case: SuiteCase) -> Bundle:
    """The bundle of one case: why it says that, and, where a hypothesis names a group, that group removed."""
    session = Session(workspace, f"suite-{case.id}-{uuid.uuid4().hex}", thorough=True)
    try:
        report = collect_report(session.ask("", text=case.text, said=case.answer, foil=case.foil))
        group = find_group_meant(case, report)
        claims = read_claims(report["claims"])
        tests = [c for c in claims if isinstance(c, EffectClaim | RateClaim) and c.p is not None]
        if group is not None and group not in {test.name for test in tests}:
            for event in session.ask(f"Remove {group}."):
                if isinstance(event, Failed):
                    raise AgentError(event.why)
        return session.bundle(f"{case.id}: {case.hypothesis or case.text}"[:300])
    finally:
        session.forget()


def find_group_meant(case: SuiteCase, report: dict[str, Any]) -> str | None:
    """The id of the strongest supernode that a hypothesis means."""
    if case.group is None:
        return None
    found = find_groups(case.group, report["supernodes"], report["tokens"], bos=False)
    return str(max(found, key=lambda g: abs(g["effect"]))["id"]) if found else None


def run_in_turn(run: SuiteRun, cases: Sequence[SuiteCase], workspace: Workspace) -> Iterator[FinishedCase]:
    """The cases one after the other in this process."""
    for case in cases:
        yield run.run_case(workspace, case)


def run_in_processes(run: SuiteRun, cases: Sequence[SuiteCase], workers: int) -> Iterator[FinishedCase]:
    """The cases in processes of their own, each with its own model; closing this generator ends them."""
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(run, stop))
    try:
        for future in as_completed([pool.submit(_one, case) for case in cases]):
            yield future.result()
    except BrokenProcessPool as exc:
        raise SuiteError(
            "A worker process ended unexpectedly (perhaps for want of memory). What is done is kept: go on "
            "with --resume, and with fewer --workers."
        ) from exc
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_worker_state: dict[str, Any] = {}  # of a worker process: its run and its workspace


def _begin(run: SuiteRun, stop: SharedEvent) -> None:
    """Set a worker process up: it ends with its parent, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for wait in (stop.wait, parent_process().join):  # type: ignore[union-attr] # it has a parent
        threading.Thread(target=_end_after, args=(wait,), daemon=True).start()
    _worker_state.update(run=run, workspace=open_workspace(run.settings))


def _end_after(wait: Any) -> None:
    with suppress(OSError):
        wait()
    os._exit(0)


def _one(case: SuiteCase) -> FinishedCase:
    done: FinishedCase = _worker_state["run"].run_case(_worker_state["workspace"], case)
    return done


def _write(path: Path, value: Any) -> None:
    """JSON, there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1), encoding="utf-8")
    part.replace(path)
