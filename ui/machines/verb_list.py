"""All verbs by name, and arguments checked before one is run."""

from typing import Any

from pydantic import ValidationError

from ui.base import Refused
from ui.machines.lens_verb import Lens
from ui.machines.verbs import (
    Ask,
    Concepts,
    GoOn,
    Intervene,
    SearchFeatures,
    Swap,
    Trace,
    Verb,
    Why,
)
from ui.machines.write_verbs import WhyToken, Write

VERBS: dict[str, type[Verb]] = {
    verb.name: verb
    for verb in (
        *(Why, Concepts, Lens, Swap, Intervene, Ask),
        *(GoOn, Write, WhyToken, Trace, SearchFeatures),
    )
}


def validate_arguments(name: str, arguments: dict[str, Any]) -> Verb:
    """A verb with its arguments; raises Refused with a sentence on what is wrong with them."""
    if name not in VERBS:
        raise Refused(f"There is no tool {name[:80]!r}; there are {', '.join(VERBS)}.")
    try:
        return VERBS[name].model_validate(arguments, strict=True)
    except ValidationError as exc:
        wrong = []
        for error in exc.errors(include_url=False)[:3]:
            place = ".".join(str(part) for part in error["loc"]) or "the arguments"
            wrong.append(f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}")
        known = ", ".join(VERBS[name].model_fields)
        raise Refused(f"{name} cannot take this ({'; '.join(wrong)}). Its arguments are {known}.") from exc
