"""Makes the worked examples the page opens with: real questions, answered and tested on the embedded model.

Run `python -m tests.gallery` (about a minute on two quiet cores); it writes ui/gallery/*.json.gz and
index.json. Every bundle must replay: nothing in it may differ from what its own measurements give.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent import Session, Workspace, open_workspace, read_settings
from agent.session.outcomes import collect_report

FOLDER = Path(__file__).parents[1] / "ui" / "gallery"
CASES = {  # name: kind, text, what it says, rather than, and what is asked next
    "austin": ("fact", "Texas, whose capital is", "Austin", "Houston", "Swap Texas for Colorado."),
    "yen": (
        "two steps",
        "The currency of the country whose capital is Tokyo is the",
        "yen",
        "dollar",
        "Swap Tokyo for Delhi.",
    ),
    "basketball": (
        "fact",
        "Fact: Michael Jordan plays the sport of",
        "basketball",
        "football",
        "Remove S1.",
    ),
    "paris": ("fact", "The Eiffel Tower is in the city of", "Paris", "Rome", "Double S1."),
    "africa": ("fact", "Cairo is located on the continent of", "Africa", "Asia", "Remove S2."),
    "large": ("opposite", 'The opposite of "small" is "', "large", "big", "Double S1."),
    "down": ("opposite", "The opposite of up is", "down", "up", "Remove S1."),
    "are": ("agreement", "The keys to the cabinet", "are", "is", "Swap keys for key."),
    "is": ("agreement", "The key to the cabinets", "is", "are", "Remove S1."),
    "california": ("relation", "Dallas is in Texas. Oakland is in", "California", "Texas", "Remove S1."),
    "mary": (
        "copying",
        "John and Mary went to the store. John gave a drink to",
        "Mary",
        "John",
        "Remove S1.",
    ),
    "thursday": ("sequence", "Monday, Tuesday, Wednesday,", "Thursday", "Friday", "Remove S1."),
    "code": ("code", "def add(a, b):\n    return a +", "b", "a", "Remove S1."),
    "oxygen": ("fact", "Water is made of hydrogen and", "oxygen", "carbon", "Remove S1."),
    "dallas": (
        "mistake",
        "The capital of the U.S. state that contains the city of Dallas is the city of",
        "Austin",
        "",
        "Remove S1.",
    ),
    "sum": ("mistake", "36+59=", "9", "", "Remove S1."),
}


def make(workspace: Workspace, name: str) -> dict[str, Any]:
    """Ask, ask on, keep both; the line of the index."""
    kind, text, said, foil, more = CASES[name]
    rather = f" rather than {foil}" if foil else ""
    session = Session(workspace, f"gallery-{name}")
    session.forget()
    quoted = json.dumps(text) if "'" in text or "\n" in text else f"'{text}'"
    apart = {"text": text, "said": said, "foil": foil or None} if "\n" in text or '"' in text else {}
    report = collect_report(session.ask(f"Why does {quoted} continue with {said}{rather}?", **apart))
    list(session.ask(more))
    question = report["question"]
    bundle = session.bundle(f"{text.strip()} → {question['answer'].strip()}")
    wrong = bundle.replay()
    if wrong:
        raise SystemExit(f"{name} does not replay: {wrong[0]}")
    bundle.save(FOLDER / f"{name}.json.gz")
    verdicts = [claim["verdict"] for claim in report["claims"] if claim.get("p") is not None]
    return {
        "name": name,
        "id": bundle.id,
        "kind": kind,
        "text": text,
        "answer": question["answer"],
        "foil": question["foil"],
        "p": report["predictions"][0]["p"],
        "tests": len(verdicts),
        "held": sum(verdict in ("supported", "partly") for verdict in verdicts),
        "groups": len(report["supernodes"]),
    }


def index(names: Iterator[str]) -> None:
    """Make these cases and write the index of all."""
    path = FOLDER / "index.json"
    lines = {line["name"]: line for line in json.loads(path.read_text())} if path.exists() else {}
    with tempfile.TemporaryDirectory() as data:
        workspace = open_workspace(read_settings(data_dir=Path(data)))
        for name in names:
            lines[name] = make(workspace, name)
            kept = [lines[name] for name in CASES if name in lines]
            path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {lines[name]['held']} of {lines[name]['tests']} tests held", flush=True)
        workspace.close()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    index(iter(sys.argv[1:] or CASES))
