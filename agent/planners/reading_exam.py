"""Whether a language model reads messages well enough to overrule the offline reader: one exchange tells.

The examination is one message with four requests in words that no phrase fits. A capable model reads all;
the small ones that run on two cores do not (`python -m tests.benchmarks.brain_reading`). Kept for as long as
the program runs, for each server and model.
"""

from agent.core import Endpoint
from agent.planners.llm_reading import Ask, read_proposal, reading_request
from agent.questions import Intent, Known, Misread, Question, reading_shape

MESSAGE = (
    "take S2 out and see what it says then; which bits of the sentence did the heavy lifting? "
    "how far would you trust this, really? oh and can I have it as a file"
)
MEANT = [Intent.INTERVENE, Intent.WORDS, Intent.SURE, Intent.EXPORT]
_PASSED: dict[tuple[str, str], bool] = {}


def passes_exam(endpoint: Endpoint, ask: Ask) -> bool:
    """Whether the model at this server passed; it is asked at most once, unless it does not answer."""
    if endpoint.name not in _PASSED:
        turn = ask(reading_request(MESSAGE, {}), reading_shape())
        if turn is None:
            return False
        try:
            read = read_proposal(turn, MESSAGE, Known())
        except Misread:
            _PASSED[endpoint.name] = False
        else:
            _PASSED[endpoint.name] = _is_meant(read)
    return _PASSED[endpoint.name]


def _is_meant(read: Question) -> bool:
    whole = [read.intent, *(one.intent for one in read.then)]
    return whole == MEANT and (read.group or "").casefold() == "s2"
