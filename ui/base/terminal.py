"""An answer as text for a terminal, from the report alone. Prints nothing itself."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from ui.base.chat_messages import label_step
from ui.base.hidden_signs import show_hidden
from ui.base.written import show_conversation

VERDICTS = {
    "supported": "✓ supported",
    "partly": "~ partly",
    "refuted": "× refuted",
    "inconclusive": "≈ unclear",
}
UNTESTED = "? untested"
BAR = 24
ESCAPED = re.compile(r"\\(.)")


def render_answer(report: dict[str, Any], *, detail: bool = True) -> RenderableType:
    """The answer: what it says and why; with details also the path, the tests and what each rests on."""
    parts: list[RenderableType] = [
        *render_note(report),
        render_predictions(report),
        render_markdown(strip_note(report), detail=detail),
    ]
    if not detail:
        parts += [
            Text("The tests and their numbers: --detail, or ask “in detail”.", "dim"),
            render_cost(report),
        ]
        return Group(*(each for part in parts for each in (part, Text())))
    if report.get("path"):
        parts.append(Text.assemble(("The path  ", "bold"), render_path(report)))
    if report["graph"]:
        parts += [render_groups(report), render_scores(report)]
    parts.append(render_cost(report))
    return Group(*(each for part in parts for each in (part, Text())))


def render_markdown(text: str, *, detail: bool = False) -> Markdown:
    """Markdown of the agent; nothing in it can reach the terminal as a control code or a link.

    What a page folds away is left out, unless the details are asked for.
    """
    from agent import unfolded, without_folds

    whole = unfolded(text) if detail else without_folds(text)
    return Markdown(show_hidden(whole), hyperlinks=False)


def render_reading_line(parts: Iterable[tuple[str, str]]) -> Text:
    """What a question was read as, in one line."""
    told = [f"{name} {value}" if name == "asked" else f"{name} “{value}”" for name, value in parts]
    return Text(show_hidden("Read as: " + " · ".join(told)).replace("\n", "⏎"))


def render_message(message: Mapping[str, Any]) -> RenderableType:
    """One message of an earlier conversation."""
    if message["role"] == "user":
        return Text(f"> {show_hidden(message['content'])}", "bold")
    return render_markdown(message["content"])


def render_predictions(report: dict[str, Any]) -> Table:
    """The most probable next tokens, each with a bar."""
    table = Table(box=None, show_header=False, pad_edge=False)
    talk = show_conversation(report["tokens"])
    title = Text.assemble(quote_text(report["text"]) if talk is None else talk, " goes on with")
    table.add_row(title)
    inner = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for guess in report["predictions"][:5]:
        bar = "█" * max(1, round(guess["p"] * BAR)) if guess["p"] >= 0.5 / BAR else "▏"
        token = guess["token"].replace("\n", "⏎")  # a line a guess
        inner.add_row(quote_text(token), f"{guess['p']:>6.1%}", Text(bar, "cyan"))
    table.add_row(inner)
    return table


def render_note(report: dict[str, Any]) -> list[Text]:
    """What is wrong with the question, said first, when something is."""
    question = report["question"]
    if question["premise"] == "true" or not question["note"]:
        return []
    return [Text.assemble(("Note  ", "bold yellow"), show_hidden(question["note"]))]


def strip_note(report: dict[str, Any]) -> str:
    """The answer without the note it may begin with."""
    first, _, others = str(report["answer"]["markdown"]).partition("\n\n")
    return (
        others
        if render_note(report) and ESCAPED.sub(r"\1", first) == report["question"]["note"]
        else first + "\n\n" + others
    )


def render_path(report: dict[str, Any]) -> str:
    """The strongest path from a token to the answer, in words."""
    return " → ".join(name_path_end(report, end) for end in report["path"])


def name_path_end(report: dict[str, Any], end: str) -> str:
    """One end of an edge: a token, a group, or the answer."""
    if end == "LD":
        question = report["question"]
        return show_hidden(f"“{question['answer']}” − “{question['foil']}”")
    if end[:1] == "T" and end[1:].isdigit():
        from agent import token_at

        return show_hidden(f"“{token_at(report['tokens'], int(end[1:]))}”")
    names = {group["id"]: group["name"] for group in report["supernodes"]}
    return show_hidden(names.get(end, end))


def render_groups(report: dict[str, Any]) -> Table:
    """The supernodes, and what happened when each was switched off."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Groups of features, each switched off")
    table.add_column("group", overflow="fold", ratio=3)
    table.add_column("where", overflow="fold", ratio=2)
    for column in ("share", "predicted", "measured", "controls", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    tests = index_removals(report)
    for group in report["supernodes"]:
        test = tests.get(group["id"], {})
        controls = test.get("controls") or {}
        table.add_row(
            Text(f"{group['id']} {show_hidden(group['name'])}"),
            Text(locate_group(report, group)),
            f"{group['share']:.0%}",
            format_signed(test.get("predicted")),
            format_signed(test.get("measured")),
            f"≤ {controls['max_abs']:.2f}" if controls else "–",
            "–" if test.get("p") is None else f"{test['p']:.2g}",
            VERDICTS.get(test.get("verdict") or "", UNTESTED),
        )
    return table


def index_removals(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The claim about switching a group off, by group."""
    return {
        "+".join(claim["groups"]): claim
        for claim in report["claims"]
        if claim["kind"] == "effect" and claim["groups"] and claim["intervention"]["kind"] == "ablate"
    }


def locate_group(report: dict[str, Any], group: dict[str, Any]) -> str:
    """The tokens and the layers a group sits at."""
    positions = sorted({member["position"] for member in group["members"]})
    layers = [member["layer"] for member in group["members"]] or [0]
    from agent import token_at

    tokens = " ".join(show_hidden(token_at(report["tokens"], each)).strip() for each in positions[:3])
    more = " …" if len(positions) > 3 else ""
    low, high = min(layers), max(layers)
    return f"{tokens}{more}, L{low}" + (f"–{high}" if high > low else "")


def render_scores(report: dict[str, Any]) -> Text:
    """How much of the model the graph holds."""
    graph = report["graph"]
    return Text(
        f"Graph: {graph['nodes']} nodes, {graph['edges']} edges; completeness {graph['completeness']:.2f}, "
        f"replacement {graph['replacement']:.2f}, unexplored {graph['unexplored']:.2f}",
        "dim",
    )


def render_cost(report: dict[str, Any]) -> Text:
    """What it took."""
    spent = report["cost"]
    return Text(
        f"{show_hidden(report['model'])}: {spent['seconds']:.1f} s, {spent['forward_passes']} forward passes",
        "dim",
    )


def render_hits(found: Iterable[dict[str, Any]]) -> Table:
    """Features found by meaning, nearest first."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("near", justify="right")
    table.add_column("feature", no_wrap=True)
    table.add_column("what it does", overflow="fold")
    for hit in found:
        label_ = Text(show_hidden(hit["label"]))
        table.add_row(f"{hit['similarity']:.2f}", Text(show_hidden(hit["id"].rpartition("/")[2])), label_)
    return table


def render_step(step: str, done: float, remark: str) -> str:
    """One step of the work in a line."""
    return f"{label_step(step)} {done:.0%}" + (f" · {show_hidden(remark)}" if remark else "")


def quote_text(token: str) -> Text:
    """A token or a text as it is, blanks and all, between quotes."""
    return Text(f"“{show_hidden(token)}”")


def format_signed(value: float | None) -> str:
    """A change of a logit difference."""
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")
