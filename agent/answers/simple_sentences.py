"""How the answer came about, to somebody who knows nothing of models: few numbers. Reads the ledger."""

import re

from agent.answers.concept_sentences import (
    borne_out,
    chain_decides,
    held_mechanisms,
    is_folded,
    tell_exchanges,
    tell_way,
)
from agent.answers.last_word_sentences import comes_first
from agent.answers.route_sentences import tell_route_simply
from agent.core import State
from agent.evidence import Sentence

SHARE = re.compile(r" \((?:<?[\d.]+ %)(?: of them)?\)")  # in brackets: the sentence is whole without it


def in_simple_words(state: State) -> list[Sentence]:
    """What is held where, what others in its place bring, how it gets to the last word."""
    way = borne_out(state)
    out = [*tell_way(state, way), *tell_exchanges(state, way)] if chain_decides(state) else []
    out += _mechanisms(state)
    out += tell_route_simply(state)
    out += comes_first(state) if out else []
    return [sentence._replace(text=SHARE.sub("", sentence.text)) for sentence in out]


def _mechanisms(state: State) -> list[Sentence]:
    """How the model does it, each in a sentence; which words count in its short form."""
    told = [claim for claim in held_mechanisms(state) if not is_folded(claim, state)]
    return [Sentence(claim.line if claim.mechanism == "words" else claim.says, (claim.id,)) for claim in told]
