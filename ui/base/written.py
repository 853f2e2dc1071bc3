"""What the subject wrote, for a page and a terminal: its tokens with their probabilities. Prints nothing."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ui.base.hidden_signs import show_hidden

if TYPE_CHECKING:
    from rich.console import RenderableType

ROLES = {"system": "system", "user": "you", "assistant": "the model"}
ENDS = {
    "end": "It ended here by itself.",
    "length": "As long as was asked for: “write on” goes on.",
    "stop": "It stopped where it was told to.",
    "stopped": "Stopped.",
}
SIGNS = {"\n": "⏎", "\t": "⇥"}


def show_token(token: str) -> str:
    """A token on one line: blanks at its ends stay, line ends and tabs are seen."""
    return show_hidden("".join(SIGNS.get(c, c) for c in token))


def show_probability(p: float | None) -> str:
    """A probability in a few signs."""
    if p is None:
        return ""
    return f"{p:.0%}".replace("%", " %") if p >= 0.0995 else f"{100 * p:.1f} %" if p >= 0.0005 else "< 0.1 %"


def role_at(writing: Mapping[str, Any], position: int) -> str:
    """Whose token it is: a role, the chat template's, given or written."""
    if position in writing["template"]:
        return "template"
    for role, first, end in writing["roles"]:
        if first <= position < end:
            return ROLES.get(role, str(role))
    return "given" if position < writing["given"] else "written"


def render_tokens(writing: Mapping[str, Any]) -> "RenderableType":
    """A row a token: its place, whose it is, its probability, and what else was likely there."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from agent import token_at

    rows = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("place", "token", "", "p", "likeliest there"):
        number = name in ("place", "p")
        rows.add_column(name, justify="right" if number else "left", no_wrap=number)
    texts = [token["text"] for token in writing["tokens"]]
    for position, token in enumerate(writing["tokens"][writing["shown"] :], writing["shown"]):
        others = [f"“{show_token(text)}” {show_probability(p)}" for text, p in token["likeliest"][:4]]
        rows.add_row(
            str(position),
            Text(f"“{show_token(token_at(texts, position))}”"),
            Text(role_at(writing, position), "dim"),
            show_probability(token["p"]),
            Text(" · ".join(others), "dim"),
        )
    return rows


def render_writing(writing: Mapping[str, Any], *, done: bool = True) -> str:
    """The tokens as one block of HTML, each an element of its own; roles stand above what they say.

    What was written with a change stands beside what was written without. Where it is `done` each token
    holds, hidden, its probability and the likeliest ones in its place, for tokens.js. The chat keeps classes
    and drops other attributes. No empty line: markdown would begin anew.
    """
    if change := writing.get("change"):
        plain = _tokens_html(change["plain"], done=done)
        now = _tokens_html(writing, done=done)
        body = (
            f'<div class="ac-sides"><div><div class="ac-role">as it is</div>{plain}</div>'
            f'<div><div class="ac-role">{escape(change["words"])}</div>{now}</div></div>'
        )
    else:
        body = _tokens_html(writing, done=done)
    notes = [*writing["notes"], ENDS[writing["ended"]]] if done else []
    told = "".join(f'<div class="ac-note">{escape(note)}</div>' for note in notes if note)
    return f'<div class="ac-writing">{body}{told}</div>'


def _tokens_html(writing: Mapping[str, Any], *, done: bool) -> str:
    parts: list[str] = []
    starts = {first: role for role, first, _ in writing["roles"]}
    template, parting = set(writing["template"]), _find_parting(writing)
    for position in range(writing["shown"], len(writing["tokens"])):
        if role := starts.get(position):
            parts.append(f'<div class="ac-role">{escape(ROLES.get(role, str(role)))}</div>')
        mark = " ac-parts" if position == parting else ""
        parts.append(_token_html(writing, position, template, mark, done=done))
    return "".join(parts)


def _find_parting(writing: Mapping[str, Any]) -> int | None:
    """Where what was written with a change parts from what was written without it."""
    from agent import find_parting

    return find_parting(writing) if writing.get("change") else None  # type: ignore[arg-type]


def _token_html(
    writing: Mapping[str, Any], position: int, template: set[int], mark: str, *, done: bool
) -> str:
    from agent import character_at

    token = writing["tokens"][position]
    hidden = position in template or token["start"] is None
    if hidden and not (done and position >= writing["given"]):
        return ""
    kinds = ["ac-tok", f"of-{writing['id']}", f"at-{position}"]
    kinds.append("ac-given" if position < writing["given"] else "ac-wrote")
    kinds += ["ac-end"] if position in template else []
    said = character_at([one["text"] for one in writing["tokens"]], position)
    shown = "■" if position in template else escape(show_token_lines(said)).replace("\n", "<br>")
    tip = _tip_html(token) if done and token["p"] is not None else ""
    return f'<span class="{" ".join(kinds)}{mark}" tabindex="0">{shown}{tip}</span>'


def _tip_html(token: Mapping[str, Any]) -> str:
    rows = [f'<span class="ac-p">{escape(show_probability(token["p"]))}</span>']
    for text, p in token["likeliest"]:
        cells = f"<span>{escape(show_token(text)) or ' '}</span><span>{escape(show_probability(p))}</span>"
        rows.append(f'<span class="ac-other">{cells}</span>')
    return f'<span class="ac-tip">{"".join(rows)}</span>'


def show_token_lines(token: str) -> str:
    """A token in running text: a line end is seen and ends the line."""
    return show_hidden(token.replace("\n", "⏎\n"))


def show_conversation(tokens: Sequence[str]) -> str | None:
    """A conversation with who says what in place of the template's tokens; None for a plain text."""
    parts: list[str] = []
    before = None
    for token in tokens:
        mark = token[1:-1] if token[:1] == "‹" and token[-1:] == "›" else None
        if mark is None:
            parts.append(token)
        elif mark != before and mark in ROLES:
            parts.append(f"\n{ROLES[mark]}: ")
        before = mark
    return "".join(parts).strip("\n") if "‹assistant›" in tokens else None
