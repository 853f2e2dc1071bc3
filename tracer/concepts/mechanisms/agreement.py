"""Agreement: the answer's form follows the number of one word, and of no other."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, nearness
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words
from tracer.lens import similar, surface
from tracer.models import Model

DRAWN = 400  # words among which nouns are looked for
TRIED = 6
ENOUGH = 0.8  # of other nouns whose number must turn the scale the same way
LEAST = 1.0  # logits by which the word's own number must move the one form against the other
MOST = 24  # words of the text that are tried, the last ones
LIKELY = 50  # next tokens among which the other form is looked for
IRREGULAR = {  # the common nouns whose plural has no s
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
}
ARTICLES = ("a", "an", "the")  # go with the noun behind them, which is not in the text yet
PART = 0.4  # of what the word's own number does that theirs must do on average


class Agreement(NamedTuple):
    """`position`: the word whose other number brings `becomes` before the answer; `instead` is that number.

    `says`: whether the model then says it, or something that is neither of the two forms.
    """

    holds: bool
    position: int | None
    instead: int | None
    becomes: int | None
    says: bool = False

    @property
    def source(self) -> int | None:
        """The position of the word that is agreed with."""
        return self.position


def try_agreement(frozen: Frozen, answer: int, words: Words | None = None) -> Agreement:
    """Put each word of the text into its other number, where that is one token.

    With words to draw from, other nouns at that place must bring the same two forms by their number.
    Tried once a text.
    """
    key = "agreement", answer, words is None
    if key not in frozen.found:
        frozen.found[key] = _try_agreement(frozen, answer, words)
    found: Agreement = frozen.found[key]
    return found


def _try_agreement(frozen: Frozen, answer: int, words: Words | None) -> Agreement:
    said = frozen.subject.token_texts([answer])[0]
    if is_content(said) or surface(said) in ARTICLES:
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
    then = [_form_that_comes(frozen, row, answer) for row in logits]
    flips = [
        Agreement(True, position, other, form, says=form == int(row.argmax()))
        for (position, other), form, row in zip(pairs, then, logits, strict=True)
        if form != answer and (words is None or _is_general(frozen, words, (position, other), (answer, form)))
    ]
    return flips[0] if len(flips) == 1 else Agreement(False, None, None, None)


def _form_that_comes(frozen: Frozen, logits: Float[Tensor, " vocab"], answer: int) -> int:
    """The next token nearest to the answer that is likelier now, and before it; the answer where none is.

    What comes between may be of any kind ("in" for "were"): it is as likely after both numbers.
    """
    change = logits.log_softmax(-1) - frozen.logits.log_softmax(-1)
    if change[answer] > -LEAST:  # it does not hang on the number
        return answer
    likely = logits.topk(min(LIKELY, len(logits))).indices.tolist()
    ahead = [token for token in likely if logits[token] > logits[answer] and change[token] >= LEAST]
    texts = frozen.subject.token_texts(ahead)  # a sign is no form of a word
    ahead = [token for token, text in zip(ahead, texts, strict=True) if surface(text).isalpha()]
    if not ahead:
        return answer
    near = similar(frozen.subject, [answer], ahead)[0]
    nearest = int(near.argmax())
    return ahead[nearest] if float(near[nearest]) >= nearness(frozen.subject, answer) else answer


def _is_general(frozen: Frozen, words: Words, flip: tuple[int, int], forms: tuple[int, int]) -> bool:
    """Whether the number of other nouns at that place turns the scale between the two forms as well."""
    subject, (position, instead) = frozen.subject, flip
    plural = is_plural(frozen.tokens[position].strip())
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
    likely = logits.log_softmax(-1)[1:, forms[0]]
    falls = float((likely[0::2] - likely[1::2]).mean())  # of the answer itself: "to" goes with any number
    if here < LEAST or falls < LEAST:
        return False
    alike: bool = sum(one > 0 for one in turned) >= ENOUGH * len(turned)
    return alike and bool(sum(turned) >= PART * here * len(turned))


def other_number(subject: Model, token: int) -> int | None:
    """The token in the other number ("box", "boxes"), where it is one token of nearly the same meaning."""
    text = subject.token_texts([token])[0]
    word = text.strip()
    if not is_content(text) or not word.isalpha():
        return None
    space = text[: len(text) - len(word)]
    for spelled in _other_spellings(word):
        ids = subject.pieces(space + spelled)
        if len(ids) == 1 and float(similar(subject, [token], ids)[0, 0]) >= nearness(subject, token):
            return ids[0]
    return None


def is_plural(word: str) -> bool:
    """Whether a word has the form of more than one."""
    return word.endswith("s") or word in IRREGULAR.values()


def _other_spellings(word: str) -> list[str]:
    """How the other number of a noun may be spelled, the likeliest first."""
    if word in IRREGULAR:
        return [IRREGULAR[word]]
    for one, more in IRREGULAR.items():
        if word == more:
            return [one]
    if word.endswith("s"):
        less = [word[:-1]]
        less += [word[:-2]] if word.endswith("es") else []
        return [*less, word[:-3] + "y"] if word.endswith("ies") else less
    return [f"{word}s", f"{word}es", *([word[:-1] + "ies"] if word.endswith("y") else [])]
