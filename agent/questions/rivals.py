"""The two requests that a message may be by its meaning, where they are about as likely. Reads no slots."""

from agent.core import Intent
from agent.questions.intent_classifier import PLAIN, classify_message
from agent.questions.parser import classifier_input

# On 70 phrasings written for the bank and not learnt: closer than this the likeliest was meant in 1 of 6 and
# the second in 2; from there to 0.3 apart the likeliest in 4 of 7 and the second in none.
CLOSE = 0.15  # two meanings that are no further apart are as likely
MOST = 0.5  # what both together must have


def find_rivals(message: str) -> tuple[Intent, Intent] | None:
    """The two likeliest requests, where no phrase fits a message and neither is likelier by `CLOSE`."""
    sentence, fitted = classifier_input(message)
    if fitted is not None and not fitted.startswith("~"):
        return None
    ranked = sorted(classify_message(sentence, fitted).items(), key=lambda row: -row[1])[:2]
    names, shares = zip(*ranked, strict=True) if ranked else ((), (0.0,))
    if shares[0] - shares[-1] >= CLOSE or sum(shares) < MOST or {PLAIN, Intent.UNKNOWN} & set(names):
        return None
    return Intent(names[0]), Intent(names[1])
