"""A conversation under study: the chat template's tokens are a class of their own, called by their role."""

from dataclasses import replace

from tracer.attribution import Frozen
from tracer.models import Draft, RolePart


def with_roles(frozen: Frozen, draft: Draft) -> Frozen:
    """The same with the chat template's tokens known, and called by the role that they open."""
    if not draft.template:
        return frozen
    tokens, here = list(frozen.tokens), [place for place in draft.template if place >= frozen.before]
    for place in here:
        opens = next((part.role for part in draft.roles if part.first > place), "end")
        tokens[place - frozen.before] = f"‹{opens}›"
    return replace(frozen, tokens=tuple(tokens), template=frozenset(place - frozen.before for place in here))


def roles_within(draft: Draft, before: int) -> tuple[RolePart, ...]:
    """The messages as they stand in what is looked at, behind so many tokens; none that ends before."""
    return tuple(
        RolePart(part.role, max(part.first - before, 0), part.end - before)
        for part in draft.roles
        if part.end > before or part is draft.roles[-1]
    )
