"""Suites from the command line: run one unattended, write its report, and replay what was kept."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.base import (
    BrainOption,
    ModelOption,
    Refused,
    answer_console,
    check_folder,
    load_workspace,
    named_path,
    progress_console,
    settings_from_options,
)

if TYPE_CHECKING:
    from agent import FinishedCase, SuiteCase, SuiteRun

STOPPED = 130


def investigate(
    suite: Annotated[Path, typer.Argument(help="YAML file of questions and hypotheses.")],
    out: Annotated[str | None, typer.Option("-o", "--out", help="Folder for bundles and report.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Do only what the folder does not hold yet.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, each with its own model: 1; with --ray, one a node."),
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="Run the cases on this Ray cluster: auto, or its address.")
    ] = None,
    baselines: Annotated[bool, typer.Option(help="Score the baselines on the same cases.")] = True,
    model: ModelOption = None,
    brain: BrainOption = None,
) -> None:
    """Answer every case of SUITE, keep each as a bundle, and report on all of them."""
    folder = Path(f"{suite.stem}-results") if out is None else named_path(out, "--out")
    from agent import SuiteRun, estimate_worker_memory, join_cluster, read_suite

    read = read_suite(suite)
    settings = settings_from_options(model=model, brain=brain)
    settings.planner_name  # noqa: B018 - a brain that cannot be used is refused before anything is written
    run = SuiteRun(read, folder, settings, baselines)
    with ExitStack() as held:
        cluster = None if ray is None else held.enter_context(join_cluster(ray))
        check_folder(folder)
        held.enter_context(run.claimed())
        left = run.begin(resume)
        told = progress_console()
        told.print(f"{len(read.cases) - len(left)} of {len(read.cases)} cases are done; {len(left)} to do.")
        many = min(workers or (cluster.nodes if cluster else 1), len(left))
        if left:
            told.print(estimate_worker_memory(settings, [case.text for case in left], many), markup=False)
        if cluster:
            told.print(f"The cluster has {cluster.nodes} node(s).")
            stopped = tell_cases(run, left, cluster.run(run, left, many))
        else:
            stopped = tell_cases(run, left, run_cases(run, left, many, model, brain))
        failed = write_reports(folder)
    if stopped:
        told.print(f"Stopped. What is done is kept in {folder}: go on with --resume.", markup=False)
        raise typer.Exit(STOPPED)
    if failed:
        told.print(f"{failed} of {len(read.cases)} cases failed.", markup=False)
        raise typer.Exit(1)


def run_cases(
    run: "SuiteRun", left: "list[SuiteCase]", workers: int, model: str | None, brain: str | None
) -> "Generator[FinishedCase]":
    """Run what is left on this machine, in this process or in others."""
    return _here(run, left, model, brain) if workers <= 1 else _apart(run, left, workers)


def tell_cases(run: "SuiteRun", left: "list[SuiteCase]", events: "Generator[FinishedCase]") -> bool:
    """Tell of each case as it ends; whether Ctrl-C ended them early."""
    whole, done = len(run.suite.cases), len(run.suite.cases) - len(left)
    try:
        for one in events:
            done += 1
            progress_console().print(f"[{done}/{whole}] {_line(one)}", markup=False)
    except KeyboardInterrupt:
        return True
    finally:
        events.close()
    return False


def _here(
    run: "SuiteRun", left: "list[SuiteCase]", model: str | None, brain: str | None
) -> "Generator[FinishedCase]":
    if not left:
        return
    from agent import run_in_turn

    with load_workspace(model, brain) as workspace:
        yield from run_in_turn(run, left, workspace)


def _apart(run: "SuiteRun", left: "list[SuiteCase]", workers: int) -> "Generator[FinishedCase]":
    from agent import run_in_processes

    yield from run_in_processes(run, left, workers)


def _line(done: "FinishedCase") -> str:
    if done.failed:
        return f"{done.case}: failed. {done.failed}"
    counts = {name: done.verdicts.count(name) for name in dict.fromkeys(done.verdicts)}
    told = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no test"
    return f"{done.case}: {told} ({done.seconds:.1f} s)"


def write_reports(folder: Path) -> int:
    """Write report.html and report.md from what the folder holds, tell them; how many cases failed."""
    from agent import suite_results
    from ui.reports import render_markdown, render_page, summarise_suite

    report = suite_results(folder)
    failed = len(report["failed"])
    if not report["done"]:
        return failed
    write_file(folder / "report.html", render_page(report))
    write_file(folder / "report.md", render_markdown(report))
    shown = answer_console()
    for name, value in [*summarise_suite(report), *((n, str(c)) for n, c in report["verdicts"].items())]:
        shown.print(f"{name:<40} {value}", markup=False)
    for case in report["cases"]:
        if case["hypothesis"]:
            told = case["hypothesis"]
            shown.print(f"{case['id']}: {told['verdict']}: {told['text']} ({told['why']})", markup=False)
    shown.print(f"The report is {folder / 'report.html'}.", markup=False, soft_wrap=True)
    return failed


def write_file(path: Path, content: str) -> None:
    """A file that is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(content, encoding="utf-8")
        part.replace(path)
    except OSError as exc:
        raise Refused(f"The report {str(path)!r} cannot be written ({exc.strerror or exc}).") from exc


def replay(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the folder of a suite's results.")],
) -> None:
    """Derive a bundle's verdicts, p-values and sentences again from what it measured; runs no model."""
    from agent import replay_bundles

    wrong: list[Any] = replay_bundles(bundle)
    for line in wrong:
        answer_console().print(f"{line}", markup=False, soft_wrap=True)
    if wrong:
        progress_console().print(f"{len(wrong)} things do not agree.")
        raise typer.Exit(1)
    answer_console().print("Everything agrees.")
