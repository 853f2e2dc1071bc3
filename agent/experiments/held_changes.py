"""What is changed while the subject writes on: a group, features or a concept of the explained text."""

from typing import TYPE_CHECKING, NamedTuple

from agent.core import (
    ConceptsClaim,
    QuestionError,
    State,
    WriteRequest,
    every_claim,
    find_group,
    groups_of,
    quote_token,
    token_at,
)
from agent.experiments.activation_patching import find_patch_source
from agent.experiments.concept_bench import bench_of
from agent.experiments.concept_reading import named_concept, node_of_concept
from agent.experiments.hypothesis_tests import require_case
from agent.workspace import Workspace
from tracer import Intervention, concept_of, hold_concept, hold_neurons

if TYPE_CHECKING:
    from agent.core import Concept, Supernode
    from tracer import HeldPass

TEXT_ONLY = "at its places in the text, and nowhere behind it"


class HeldChange(NamedTuple):
    """A change, in words, and how it is held."""

    words: str
    where: str
    held: "HeldPass"


def hold_change(workspace: Workspace, state: State, request: WriteRequest) -> HeldChange:
    """The change a request names; raises QuestionError where the text holds no such thing."""
    case, name = require_case(state), request.change or ""
    found = every_claim(state, ConceptsClaim)
    concept = named_concept(found[-1].concepts, name, None, case) if found else None
    if concept is not None:
        return _hold_concept(workspace, state, request, concept)
    return _hold_group(workspace, state, request, find_group(name, state))


def _hold_group(workspace: Workspace, state: State, request: WriteRequest, group: "Supernode") -> HeldChange:
    case = require_case(state)
    study, members = workspace.study(case["text"]), group["members"]
    name = f"{group['id']} ({group['name']})" if group["name"] != group["id"] else group["id"]
    if request.other is not None:
        donor = find_patch_source(workspace, case, request.change or "", request.other, groups_of(state))
        how = Intervention("swap", 1.0, workspace.study(donor.text), donor.shift)
        words, where, always = f"with {name} as {quote_token(request.other)} has it", TEXT_ONLY, False
    else:
        how = Intervention("steer", request.factor)
        always = request.hold == "all"
        done = "removed" if request.factor == 0 else f"times {request.factor:g}"
        words = f"with {name} {done}"
        where = "at its places in the text, and its neurons at every word it writes" if always else TEXT_ONLY
    held = hold_neurons(study, study.change(members, how), request.factor, always=always)
    return HeldChange(words, where, held)


def _hold_concept(
    workspace: Workspace, state: State, request: WriteRequest, concept: "Concept"
) -> HeldChange:
    case = require_case(state)
    bench, node = bench_of(workspace, case), node_of_concept(concept)
    assert bench is not None  # a concept was read
    name, place = quote_token(concept.name), quote_token(token_at(case["tokens"], concept.position).strip())
    other = None
    if request.other is not None:
        other = concept_of(workspace.subject, request.other).tokens[0]
        if other == node.tokens[0]:
            raise QuestionError(f"{quote_token(request.other)} is {name} itself; name another one.")
        words = f"with {name} exchanged for {quote_token(request.other)} at {place}"
    elif request.factor == 0:
        words = f"with {name} taken out at {place}"
    else:
        words = f"with {name} times {request.factor:g} at {place}"
    held = hold_concept(bench.frozen, bench.lens, node, request.factor, other)
    return HeldChange(words, TEXT_ONLY, held)
