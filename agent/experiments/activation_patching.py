"""Which text a swap takes its activations from, how positions correspond, and what "this group" is."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.core import (
    Case,
    PatchSource,
    QuestionError,
    Supernode,
    joined,
    position_of,
    quote_token,
    token_at,
    whole_word,
)

if TYPE_CHECKING:
    from agent.workspace import Workspace


def find_patch_source(
    workspace: "Workspace", case: Case, name: str, other: str, groups: Sequence[Supernode]
) -> PatchSource:
    """The text with `name` (or the word a group sits on) replaced by `other`, where it stands first."""
    word, place = _locate_word(case, name, groups)
    new = other.strip()
    if word[:1].isupper() and name.strip()[:1].islower():  # typed without capitals
        new = new[:1].upper() + new[1:]
    if word.casefold() == new.casefold():
        same = f"{quote_token(word)} and {quote_token(new)} are the same word"
        raise QuestionError(f"{same}; name another one to swap in.")
    return read_patch_text(workspace, case, case["text"][:place] + new + case["text"][place + len(word) :])


def read_patch_text(workspace: "Workspace", case: Case, text: str) -> PatchSource:
    """A whole other text to take activations from; raises QuestionError where its words do not line up."""
    if case.get("window"):  # what is looked at begins at the same word
        workspace.know_window(text, case["window"][0])
    study = workspace.study(text)
    says = study.predictions(2)
    foil = says[0] if says[0].token_id != case["answer_id"] else says[1]
    pairs, changed = align_positions(case["tokens"], list(study.tokens))
    return PatchSource(
        text=text,
        foil=foil.token,
        foil_id=foil.token_id,
        foil_p=round(foil.p, 6),
        positions=changed,
        replaced=[token_at(case["tokens"], p) for p in changed],
        pairs=list(pairs.items()),
        same=says[0].token_id == case["answer_id"],
    )


def _locate_word(case: Case, name: str, groups: Sequence[Supernode]) -> tuple[str, int]:
    """A word as it stands in the text, and where: of that name, or where a part of the drawing sits."""
    skipped = case.get("window", (0, 0))[1]
    text, wanted = case["text"][skipped:], name.strip()
    position = _find_position(wanted, groups)
    if position is not None and int(case["bos"]) <= position < len(case["tokens"]):
        first, last = whole_word(case["tokens"], position)
        before = joined(case["tokens"][int(case["bos"]) : first])
        word = joined(case["tokens"][first : last + 1])
        place = len(before) + len(word) - len(word.lstrip())
        if text[place : place + len(word.strip())] == word.strip():
            return word.strip(), skipped + place
        wanted = word.strip()
    whole = rf"(?<!\w){re.escape(wanted)}(?!\w)"
    found = re.search(whole, text) or re.search(whole, text, re.IGNORECASE)
    if wanted and found:
        return found[0], skipped + found.start()
    if wanted and wanted in (token.strip() for token in case["tokens"]):  # a piece: the 5 of 59
        return wanted, skipped + text.index(wanted)
    raise QuestionError(
        f"The text does not contain the word {quote_token(wanted)}; name a word of it to swap."
    )


def _find_position(name: str, groups: Sequence[Supernode]) -> int | None:
    """Where a group (S1), a feature (L11.N12+@5) or a token (T@5) of the drawing sits; None for a word."""
    at = next((group["position"] for group in groups if group["id"] == name), None)
    return position_of(name) if at is None else at


def align_positions(own: Sequence[str], other: Sequence[str]) -> tuple[dict[int, int], list[int]]:
    """Positions of the common start and end map to each other, the differing middles end to end.

    Returns the map own -> other and the own positions that differ (at least one).
    """
    start = 0
    while start < min(len(own), len(other)) and own[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(own), len(other)) - start and own[-1 - end] == other[-1 - end]:
        end += 1
    if start + end >= len(own):
        raise QuestionError("The other text only adds words; a swap needs a word in place of another.")
    pairs = {p: p for p in range(start)}
    last_own, last_other = len(own) - end - 1, len(other) - end - 1
    for back in range(len(own) - end - start):
        pairs[last_own - back] = max(last_other - back, start)
    for back in range(end):
        pairs[len(own) - 1 - back] = len(other) - 1 - back
    return pairs, list(range(start, len(own) - end))
