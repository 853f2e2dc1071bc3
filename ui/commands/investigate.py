"""Suites from the command line: run one unattended, write its report, and replay what was kept."""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.base import Brain, Model, Refused, check_folder, desk_of, named_path, notes, screen, settings_of

if TYPE_CHECKING:
    from agent import Done, Run, SuiteCase

STOPPED = 130


def investigate(
    suite: Annotated[Path, typer.Argument(help="YAML file of questions and hypotheses.")],
    out: Annotated[str | None, typer.Option("-o", "--out", help="Folder for bundles and report.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Do only what the folder does not hold yet.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes, each with its own model.")] = 1,
    baselines: Annotated[bool, typer.Option(help="Score the baselines on the same cases.")] = True,
    model: Model = None,
    brain: Brain = None,
) -> None:
    """Answer every case of SUITE, keep each as a bundle, and report on all of them."""
    from agent import Run, memory_each, read_suite

    read = read_suite(suite)
    folder = Path(f"{suite.stem}-results") if out is None else named_path(out, "--out")
    settings = settings_of(model=model, brain=brain)
    settings.deciding  # noqa: B018 - a brain that cannot be used is refused before anything is written
    check_folder(folder)
    run = Run(read, folder, settings, baselines)
    with run.claimed():
        left = run.begin(resume)
        told = notes()
        told.print(f"{len(read.cases) - len(left)} of {len(read.cases)} cases are done; {len(left)} to do.")
        if left:
            told.print(memory_each(settings, [case.text for case in left], workers), markup=False)
        stopped = follow(run, left, min(workers, len(left)), model, brain)
        failed = deliver(folder)
    if stopped:
        told.print(f"Stopped. What is done is kept in {folder}: go on with --resume.", markup=False)
        raise typer.Exit(STOPPED)
    if failed:
        told.print(f"{failed} of {len(read.cases)} cases failed.", markup=False)
        raise typer.Exit(1)


def follow(run: "Run", left: "list[SuiteCase]", workers: int, model: str | None, brain: str | None) -> bool:
    """Run what is left and tell of each case as it ends; whether Ctrl-C ended it early."""
    whole, done = len(run.suite.cases), len(run.suite.cases) - len(left)
    events = _here(run, left, model, brain) if workers <= 1 else _apart(run, left, workers)
    try:
        for one in events:
            done += 1
            notes().print(f"[{done}/{whole}] {_line(one)}", markup=False)
    except KeyboardInterrupt:
        return True
    finally:
        events.close()
    return False


def _here(run: "Run", left: "list[SuiteCase]", model: str | None, brain: str | None) -> "Generator[Done]":
    if not left:
        return
    from agent import run_here

    with desk_of(model, brain) as desk:
        yield from run_here(run, left, desk)


def _apart(run: "Run", left: "list[SuiteCase]", workers: int) -> "Generator[Done]":
    from agent import run_apart

    yield from run_apart(run, left, workers)


def _line(done: "Done") -> str:
    if done.failed:
        return f"{done.case}: failed. {done.failed}"
    counts = {name: done.verdicts.count(name) for name in dict.fromkeys(done.verdicts)}
    told = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no test"
    return f"{done.case}: {told} ({done.seconds:.1f} s)"


def deliver(folder: Path) -> int:
    """Write report.html and report.md from what the folder holds, tell them; how many cases failed."""
    from agent import suite_results
    from ui.reports import facts, markdown, page

    report = suite_results(folder)
    failed = len(report["failed"])
    if not report["done"]:
        return failed
    write(folder / "report.html", page(report))
    write(folder / "report.md", markdown(report))
    shown = screen()
    for name, value in [*facts(report), *((n, str(c)) for n, c in report["verdicts"].items())]:
        shown.print(f"{name:<40} {value}", markup=False)
    for case in report["cases"]:
        if case["hypothesis"]:
            told = case["hypothesis"]
            shown.print(f"{case['id']}: {told['verdict']}: {told['text']} ({told['why']})", markup=False)
    shown.print(f"The report is {folder / 'report.html'}.", markup=False, soft_wrap=True)
    return failed


def write(path: Path, content: str) -> None:
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
    from agent import replayed

    wrong: list[Any] = replayed(bundle)
    for line in wrong:
        screen().print(f"{line}", markup=False, soft_wrap=True)
    if wrong:
        notes().print(f"{len(wrong)} things do not agree.")
        raise typer.Exit(1)
    screen().print("Everything agrees.")
