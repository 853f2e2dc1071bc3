"""Does it say the same on another make of processor? The same questions under other arithmetics of this one.

    python -m tests.benchmarks.arithmetics [CASES.yaml] [-o FOLDER] [--number N] [--only NAME ...]

Asks `why` of every case (tests/cases.yaml) in processes of their own, each held to other instructions and
another number of threads, so that sums are rounded in another order as another processor would. Then
compares with the first: the groups and their members, the verdicts, the sentences, and every number, which
may differ by 1e-3 (relative, or absolute below 1), or, where it is only shown, by one in its last digit.
FOLDER keeps a line a case; a run goes on where it was left. Exit code 1 when anything differs.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases.yaml"
SETTINGS = {  # name: what the process is told; one thread is told by askcircuit's own setting
    "as it is": {"ASKCIRCUIT_THREADS": "2"},
    "one thread": {"ASKCIRCUIT_THREADS": "1"},
    "avx2": {
        "ASKCIRCUIT_THREADS": "2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
    "no vectors": {
        "ASKCIRCUIT_THREADS": "2",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
}
WITHIN = 1e-3
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
PARTS = ("groups", "verdicts", "sentences", "numbers")

Answer = dict[str, Any]


def answers(cases: list[dict[str, str]]) -> Iterator[Answer]:
    """What each case is told, without what a clock or a version says; the model is loaded once."""
    from agent import Session, collect_report, open_workspace, read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    with tempfile.TemporaryDirectory() as data:
        first = open_workspace(read_settings(data_dir=data))
        for case in cases:
            settings = read_settings(data_dir=Path(data, case["id"]))
            workspace = Workspace(settings, first.subject, Library.open(settings.data_folder / "library"))
            started = time.perf_counter()
            report = collect_report(
                Session(workspace, "arithmetic").ask(
                    "", text=case["text"], said=case["said"], foil=case["foil"]
                )
            )
            yield {"id": case["id"], "seconds": time.perf_counter() - started, **told(report)}
            workspace.close()
        first.close()


def told(report: dict[str, Any]) -> Answer:
    """The parts of a report that are compared."""
    members = {
        group["id"]: [f"L{m['layer']}.N{m['feature']}{m['sign']}@{m['position']}" for m in group["members"]]
        for group in report["supernodes"]
    }
    return {
        "groups": [[g["id"], g["name"], g["kind"], sorted(members[g["id"]])] for g in report["supernodes"]],
        "verdicts": [
            [c["id"], c["kind"], c["supernode"], c["intervention"], c["verdict"]] for c in report["claims"]
        ],
        "sentences": [s["text"] for s in report["answer"]["sentences"]],
        "numbers": {
            "claims": report["claims"],
            "supernodes": report["supernodes"],
            "predictions": report["predictions"],
            "graph": report["graph"],
        },
    }


def differences(one: Any, other: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Where two answers differ by more than rounding: (where, what)."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from differences(one.get(name), other.get(name), f"{at}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{at}[{index}]")
    elif isinstance(one, float) and isinstance(other, float):
        if abs(one - other) > WITHIN * max(1.0, abs(one)):
            yield at, f"{one:g} and {other:g}"
    elif isinstance(one, str) and isinstance(other, str):
        if not same_words(one, other):
            yield at, f"{one!r} and {other!r}"
    elif one != other:
        yield at, f"{one!r} and {other!r}"


def same_words(one: str, other: str) -> bool:
    """Whether two sentences are alike but for a number that rounding took one step up or down."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    for a, b in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True):
        if a == b:
            continue
        decimals = [len(x.partition(".")[2]) for x in (a, b)]
        apart = abs(float(a.replace(",", "")) - float(b.replace(",", "")))
        if not any(decimals) or apart > 1.01 * 10.0 ** -min(decimals):
            return False
    return True


def measure(name: str, cases: list[dict[str, str]], file: Path, console: Console) -> dict[str, Answer]:
    """Every case's answer under one setting, in a process of its own, shown as it comes."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    known = {line["id"]: line for line in map(json.loads, lines)}
    left = [case for case in cases if case["id"] not in known]
    command = [sys.executable, "-m", "tests.benchmarks.arithmetics", "--answer", json.dumps(left)]
    env = {**os.environ, **SETTINGS[name]}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in filter(lambda line: line.startswith("{"), child.stdout):
            found = json.loads(line)
            known[found["id"]] = found
            with file.open("a", encoding="utf-8") as out:
                out.write(line)
            console.print(f"{name}: {found['id']} ({len(known)}/{len(cases)}, {found['seconds']:.1f} s)")
    if child.returncode:
        raise SystemExit(f"arithmetics: the process for {name!r} ended with {child.returncode}")
    return known


def compare(first: dict[str, Answer], other: dict[str, Answer]) -> dict[str, list[str]]:
    """Part -> what differs, case by case."""
    found: dict[str, list[str]] = {part: [] for part in PARTS}
    for case, part in itertools.product(first.keys() & other.keys(), PARTS):
        found[part] += [
            f"{case}{at}: {what}" for at, what in differences(first[case][part], other[case][part])
        ]
    return found


def main() -> int:
    """Run every setting, print what differs and a table of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("cases", type=Path, nargs="?", default=CASES)
    parser.add_argument("-o", "--out", type=Path, default=None)
    parser.add_argument("--number", type=int, default=None)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--answer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        for found in answers(json.loads(args.answer)):
            print(json.dumps(found), flush=True)
        return 0
    console, out = Console(highlight=False), args.out or Path(tempfile.mkdtemp(prefix="arithmetics-"))
    out.mkdir(parents=True, exist_ok=True)
    cases = yaml.safe_load(args.cases.read_text(encoding="utf-8"))[: args.number]
    found_by = {
        name: measure(name, cases, out / f"{name.replace(' ', '-')}.jsonl", console) for name in args.only
    }
    first, wrong = found_by[args.only[0]], 0
    table = Table("Arithmetic", *(f"{part} that differ" for part in PARTS), title=f"{len(cases)} texts")
    for name in args.only[1:]:
        found = compare(first, found_by[name])
        for line in itertools.chain.from_iterable(found.values()):
            console.print(f"{name}: {line}", soft_wrap=True)
        wrong += sum(map(len, found.values()))
        table.add_row(name, *(str(len(found[part])) for part in PARTS))
    console.print(table)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
