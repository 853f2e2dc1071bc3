"""Agreement: the answer's form follows the number of one word, and of no other."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, nearness
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words
from tracer.lens import similar
from tracer.models import Model

DRAWN = 400  # words among which nouns are looked for
TRIED = 6
ENOUGH = 0.8  # of other nouns whose number must turn the scale the same way
LEAST = 1.0  # logits by which the word's own number must move the one form against the other
MOST = 24  # words of the text that are tried, the last ones
LIKELY = 50  # next tokens among which the other form is looked for
PART = 0.4  # of what the word's own number does that theirs must do on average


class Agreement(NamedTuple):
    """`position`: the word whose other number makes the model say `becomes`; `instead` is that other form."""

    holds: bool
    position: int | None
    instead: int | None
    becomes: int | None

    @property
    def source(self) -> int | None:
        """The position of the word that is agreed with."""
        return self.position


def try_agreement(frozen: Frozen, answer: int, words: Words | None = None) -> Agreement:
    """Put each word of the text into its other number, where that is one token (with or without an s).

    With words to draw from, other nouns at that place must bring the same two forms by their number.
    Tried once a text.
    """
    key = "agreement", answer, words is None
    if key not in frozen.found:
        frozen.found[key] = _try_agreement(frozen, answer, words)
    found: Agreement = frozen.found[key]
    return found


def _try_agreement(frozen: Frozen, answer: int, words: Words | None) -> Agreement:
    if is_content(frozen.subject.token_texts([answer])[0]):
        return Agreement(False, None, None, None)
    pairs = [
        (position, other)
        for position, token in enumerate(frozen.ids.tolist())
        for other in [other_number(frozen.subject, token)]
        if other is not None
    ][-MOST:]
    if not pairs:
        return Agreement(False, None, None, None)
    logits = logits_with(frozen, [((position, other),) for position, other in pairs])
    then = [_likeliest_form(frozen.subject, row, answer) for row in logits]
    flips = [
        Agreement(True, position, other, form)
        for (position, other), form in zip(pairs, then, strict=True)
        if form != answer and (words is None or _is_general(frozen, words, (position, other), (answer, form)))
    ]
    return flips[0] if len(flips) == 1 else Agreement(False, None, None, None)


def _likeliest_form(subject: Model, logits: Float[Tensor, " vocab"], answer: int) -> int:
    """The likeliest next token that is near the answer, or it: what comes between may be of any kind."""
    best = logits.topk(min(LIKELY, len(logits))).indices.tolist()
    near = similar(subject, [answer], best)[0] >= nearness(subject, answer)
    forms = [token for token, alike in zip(best, near.tolist(), strict=True) if alike or token == answer]
    return forms[0] if forms else answer


def _is_general(frozen: Frozen, words: Words, flip: tuple[int, int], forms: tuple[int, int]) -> bool:
    """Whether the number of other nouns at that place turns the scale between the two forms as well."""
    subject, (position, instead) = frozen.subject, flip
    plural = frozen.tokens[position].endswith("s")
    drawn = drawn_words(frozen, words, DRAWN, seed=2)
    texts = subject.token_texts(drawn)
    pairs: list[tuple[int, int]] = []
    for token, text in zip(drawn, texts, strict=True):
        if len(pairs) == TRIED or not text.islower() or text.endswith("s") or not text.isascii():
            continue
        other = other_number(subject, token)
        if other is not None:
            pairs.append((other, token) if plural else (token, other))
    if not pairs:
        return False
    rows = [((position, token),) for pair in pairs for token in pair]
    logits = logits_with(frozen, [((position, instead),), *rows])
    ahead = (logits[:, forms[0]] - logits[:, forms[1]]).tolist()
    here = float(frozen.logits[forms[0]] - frozen.logits[forms[1]]) - ahead[0]
    turned = [one - other for one, other in zip(ahead[1::2], ahead[2::2], strict=True)]
    if here < LEAST:
        return False
    alike: bool = sum(one > 0 for one in turned) >= ENOUGH * len(turned)
    return alike and bool(sum(turned) >= PART * here * len(turned))


def other_number(subject: Model, token: int) -> int | None:
    """The token with an s more or less, where it is one token of nearly the same meaning."""
    text = subject.token_texts([token])[0]
    if not is_content(text) or not text.strip().isalpha():
        return None
    spelled = text[:-1] if text.endswith("s") else f"{text}s"
    ids = subject.pieces(spelled)
    if len(ids) != 1 or float(similar(subject, [token], ids)[0, 0]) < nearness(subject, token):
        return None
    return ids[0]
