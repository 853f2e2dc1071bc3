"""Which concepts a test bears out as being on the way to the answer."""

from agent.core import ConceptEffectClaim, ConceptSwapClaim
from agent.evidence.overclaims import HOLDING_VERDICTS


def bears_out(claim: ConceptEffectClaim | ConceptSwapClaim) -> bool:
    """Whether a test shows that the answer comes by way of its concept.

    Without it the lead falls (where that says enough: see `needs_exchange`), or with another in its place
    that one's answer comes. That the answer only goes with an exchange, which any disturbance may do, is not
    enough, nor that the word is said which was put in.
    """
    if isinstance(claim, ConceptSwapClaim):
        return claim.verdict == "supported" and not _says_partner(claim)
    return claim.verdict in HOLDING_VERDICTS and not claim.needs_exchange


def _says_partner(claim: ConceptSwapClaim) -> bool:
    first = claim.first
    return first is not None and first.says[0].token.strip().casefold() == first.other.strip().casefold()
