"""A conversation under study: the chat template's tokens are a class of their own, called by their role."""

from dataclasses import replace

from tracer.attribution import Frozen
from tracer.models import Draft


def with_roles(frozen: Frozen, draft: Draft) -> Frozen:
    """The same with the chat template's tokens known, and called by the role that they open."""
    if not draft.template:
        return frozen
    tokens = list(frozen.tokens)
    for place in draft.template:
        opens = next((part.role for part in draft.roles if part.first > place), "end")
        tokens[place] = f"‹{opens}›"
    return replace(frozen, tokens=tuple(tokens), template=frozenset(draft.template))
