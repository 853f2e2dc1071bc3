"""The tests of a text as a table in Markdown: the ledger in rows, no sentence of its own."""

from agent.core import (
    ConceptClaim,
    ConceptSwapClaim,
    EffectClaim,
    State,
    claim_group,
    escape_md,
    every_claim,
    show_change,
)

HEAD = "| claim | what was changed | predicted | measured | chance (p) | verdict |\n|---|---|---|---|---|---|"


def write_table(state: State) -> str:
    """Every test of this text, the groups first; says so where there is none."""
    rows = [_row(c.id, _changed(c, state), c.predicted, c.effect, c.p, c.verdict)
            for c in every_claim(state, EffectClaim) if c.p is not None]  # fmt: skip
    for one in every_claim(state, ConceptClaim, ConceptSwapClaim):
        if one.p is not None:
            rows.append(_row(one.id, one.text, one.predicted, one.measured, one.p, one.verdict))
    if not rows:
        return "Nothing has been tested on this text yet, so there is no table. Ask why it says that."
    return "\n".join([HEAD, *rows])


def _changed(claim: EffectClaim, state: State) -> str:
    group = claim_group(claim, state)
    how = "removed" if claim.removes else f"{claim.intervention.kind}, factor {claim.intervention.factor:g}"
    return f"{group['id']} ({group['name']}) {how}"


def _row(name: str, what: str, *values: object) -> str:
    predicted, measured, p, verdict = values
    cells = [name, what, _change(predicted), _change(measured), f"{p:.2g}", str(verdict)]
    return "| " + " | ".join(escape_md(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _change(value: object) -> str:
    return show_change(value) if isinstance(value, float | int) else "–"
