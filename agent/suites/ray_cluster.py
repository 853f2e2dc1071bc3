"""A suite's cases on a Ray cluster: a case a task, the model loaded once a worker. Ray is met here alone.

What a worker has answered is sent back and kept at once by the process that asked, so a suite whose asking
process died goes on with --resume. Ray begins a worker that died anew, on another node if it must, and gives
it its case again.
"""

import logging
import os
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agent.core import AgentError
from agent.suites.runner import AnsweredCase, FinishedCase, SuiteRun
from agent.suites.schema import SuiteCase, SuiteError
from agent.workspace import Workspace, open_workspace

PATIENCE = 10.0  # seconds for a cluster to take a connection
TRIES = 3  # of a case whose worker ends under it


class Worker:
    """What runs on the cluster: a run, and the model it loads for its first case."""

    def __init__(self, run: SuiteRun) -> None:
        self._run = run
        self._workspace: Workspace | None = None

    def answer(self, case: SuiteCase) -> AnsweredCase:
        """One case; raises AgentError where the model cannot be loaded."""
        if self._workspace is None:
            self._workspace = open_workspace(self._run.settings)
        return self._run.answer_case(self._workspace, case)


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process has joined."""

    ray: Any  # the library
    nodes: int  # that are alive

    def run(self, run: SuiteRun, cases: Sequence[SuiteCase], workers: int) -> Generator[FinishedCase]:
        """The cases as they end, so many at once; raises AgentError where the model cannot be loaded."""
        actor = self.ray.remote(
            num_cpus=run.settings.threads or 1, max_restarts=-1, max_task_retries=TRIES - 1
        )(Worker)
        left = iter(cases)
        busy: dict[Any, tuple[Any, SuiteCase]] = {}
        for case in islice(left, workers):
            worker = actor.remote(run)
            busy[worker.answer.remote(case)] = worker, case
        while busy:
            done = self.ray.wait(list(busy))[0][0]
            worker, case = busy.pop(done)
            answered = self._fetch(done, case)
            if (following := next(left, None)) is None:
                self.ray.kill(worker)  # its place is free for one that had none yet
            else:
                busy[worker.answer.remote(following)] = worker, following
            yield run.keep(answered)

    def _fetch(self, done: Any, case: SuiteCase) -> AnsweredCase:
        try:
            answered: AnsweredCase = self.ray.get(done)
        except self.ray.exceptions.RayTaskError as exc:
            if isinstance(exc.cause, AgentError):
                raise exc.cause from None
            raise
        except self.ray.exceptions.RayError:
            why = f"The worker that was at it ended {TRIES} times, perhaps for want of memory."
            return AnsweredCase(case.id, 0.0, failed=why)
        return answered


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE):
            pass


@contextmanager
def join_cluster(address: str) -> Iterator[Cluster]:
    """The cluster at an address, or the one this machine belongs to (auto); it is left again.

    Raises SuiteError where Ray is not installed or there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    try:
        import ray
    except ImportError as exc:
        raise SuiteError(
            "Ray is not installed. `pip install 'askcircuit[ray]'` brings it (about 250 MB on disk)."
        ) from exc
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
        where = "on this machine" if address == "auto" else f"at {address!r}"
        raise SuiteError(
            f"There is no Ray cluster {where} that can be joined. `ray start --head` begins one here; it "
            "tells the address for others."
        ) from exc
    try:
        yield Cluster(ray, sum(bool(node["Alive"]) for node in ray.nodes()))
    finally:
        ray.shutdown()
