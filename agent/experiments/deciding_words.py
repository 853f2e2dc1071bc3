"""The words of the text that the answer hangs on, and what words like them bring in their place."""

from collections.abc import Sequence
from typing import NamedTuple

from agent.core import WORD_DECIDES, join_words, percent, quote_word, quote_word_at
from agent.experiments.concept_bench import TextBench
from tracer import (
    NearWords,
    WordWeight,
    find_in_text,
    most_expected,
    stand_alone,
    try_near_words,
    weigh_words,
)

HARDLY = 0.8  # of the answer's probability that is left at least without a word
SAME = 0.95  # of it, from which nothing is lost
AS_MUCH = 0.05  # of it, by which two words count alike
TOLD = 2  # further words that are told
LOOKED_AT = 3  # deciding words in whose place others like them are put
ENOUGH = 4  # words like it, from which something can be said of a kind
HALF = 0.5  # of them that bring the same at most where the word decides
MOST_OF = 0.66  # of them that bring the same, from which it is the kind that counts


class Exchanged(NamedTuple):
    """(position, token) pairs put into the text, and what the model says then."""

    places: tuple[tuple[int, int], ...]
    says: int


class FoundMechanism(NamedTuple):
    """A mechanism whose test holds: its name, its sentence, the numbers in it, and the same in a line.

    `exchanged`: the first word like one that counts which brings another answer.
    """

    mechanism: str
    says: str
    shown: list[float]
    line: str = ""
    exchanged: Exchanged | None = None


def tell_deciding_words(bench: TextBench, *, near: bool) -> FoundMechanism | None:
    """What is left of the answer with other words in the place of each: the words that decide, and others.

    `near`: whether words of nearly the same meaning are put in the place of the deciding ones as well.
    """
    case = bench.case
    weights = sorted(
        weigh_words(bench.frozen, bench.workspace.words, case["answer_id"]), key=lambda one: one.kept
    )
    if not weights or not case["answer"].strip():
        return None
    if weights[0].kept > WORD_DECIDES:
        return _none_decides(bench, weights)
    answer, (first, kept) = quote_word(case["answer"]), _told(bench, weights[0])
    more = [_told(bench, one) for one in weights[1:] if one.kept <= WORD_DECIDES][:TOLD]
    less = [_told(bench, one) for one in weights[1:] if WORD_DECIDES < one.kept < HARDLY][:TOLD]
    little = [_told(bench, one) for one in _hardly_counting(bench, weights[1:])[:TOLD]]
    if more and more[0][1] - kept <= AS_MUCH:
        parts = join_words([f"{percent(left)} ({name})" for name, left in [(first, kept), *more]])
        names = join_words([first, *(name for name, _ in more)])
        text = f"{names} count most: with other words in the place of each, {answer} keeps {parts} of its"
        text += " probability"
    else:
        text = f"{first} counts most: with other words in its place {answer} keeps {percent(kept)} of its"
        text += " probability"
        if more:
            text += f", with others for {join_words([f'{name} {percent(left)}' for name, left in more])}"
    if less:
        count = "counts" if len(less) == 1 else "count"
        text += f"; {join_words([f'{name} ({percent(left)})' for name, left in less])} {count} less"
    counts = "counts" if len(little) == 1 else "count"
    if little:
        text += f"; {join_words([f'{name} ({percent(left)})' for name, left in little])} hardly {counts}"
    line = f"{answer} hangs on {join_words([first, *(name for name, _ in more)])}"
    if little:
        line += f"; {join_words([name for name, _ in little])} hardly {counts}"
    shown = [kept, *(left for _, left in [*more, *less, *little])]
    found = [_with_near_words(bench, weights), _stays_with_others(bench, weights)] if near else []
    alike = [one for one in found if one is not None]
    if not alike:
        line += ": tested by putting other words in their place."
        return FoundMechanism("words", f"{text}.", shown, line)
    shown += [number for one in alike for number in one.shown]
    says, lines = (" ".join(part) for part in zip(*((one.says, one.line) for one in alike), strict=True))
    exchanged = next((one.exchanged for one in alike if one.exchanged), None)
    return FoundMechanism("words", f"{text}. {says}", shown, f"{line}. {lines}", exchanged)


def _hardly_counting(bench: TextBench, weights: Sequence[WordWeight]) -> list[WordWeight]:
    """Words that hardly count: those first of which one would have thought that they do."""
    hardly = [one for one in weights if one.kept >= HARDLY]
    return list(
        dict.fromkeys([*most_expected(bench.frozen, bench.case["answer_id"], hardly), *reversed(hardly)])
    )


def _told(bench: TextBench, weight: WordWeight) -> tuple[str, float]:
    return _name(bench, weight), weight.kept


def _none_decides(bench: TextBench, weights: Sequence[WordWeight]) -> FoundMechanism:
    answer, first, kept = quote_word(bench.case["answer"]), _name(bench, weights[0]), weights[0].kept
    line = f"No word of the text decides {answer} alone: tested by putting others in their place."
    if kept >= HARDLY:
        text = f"No word decides: with others in the place of any one of them {answer}"
        left = "is about as likely" if kept >= SAME else f"keeps {percent(kept)} of its probability or more"
        return FoundMechanism("words", f"{text} {left}.", [kept], line)
    text = f"No word decides alone: with other words in the place of {first}, which counts most, {answer}"
    return FoundMechanism("words", f"{text} keeps {percent(kept)} of its probability.", [kept], line)


def _name(bench: TextBench, weight: WordWeight) -> str:
    return quote_word_at(bench.case["tokens"], weight.first)


class _Alike(NamedTuple):
    """What words like a deciding one bring: in a sentence with its numbers, and in a line without."""

    says: str
    shown: list[float]
    line: str
    exchanged: Exchanged | None = None


def _with_near_words(bench: TextBench, weights: Sequence[WordWeight]) -> _Alike | None:
    """The word that decides which of its kind the answer is, else whether the first counts by its kind."""
    answer = bench.case["answer_id"]
    itself = set(find_in_text(bench.frozen, answer))
    decide = [one for one in weights[:LOOKED_AT] if one.kept <= WORD_DECIDES]
    copied = [one for one in weights if one.last in itself and one not in decide][:LOOKED_AT]
    tried = [
        (_name(bench, one), try_near_words(bench.frozen, bench.workspace.words, answer, one.last))
        for one in (*decide, *copied)
        if one.first == one.last
    ]
    turned = [pair for pair in tried if pair[1].turns and pair[1].turns[0].of_kind]
    if turned:
        turned.sort(key=lambda pair: -_parts(pair[1]))
        return _and_others(bench, _with_others(bench, *turned[0]), turned[1:])
    for word, found in tried:
        if len(found.tried) >= ENOUGH and len(found.same) >= MOST_OF * len(found.tried):
            return _counts_by_kind(bench, word, found)
        if found.turns:
            return _with_others(bench, word, found)
    return None


def _and_others(bench: TextBench, first: _Alike, others: Sequence[tuple[str, NearWords]]) -> _Alike:
    """The same with what comes with another word in the place of further ones."""
    says, shown = first.says.removesuffix("."), list(first.shown)
    for word, found in others[:TOLD]:
        turn = found.turns[0]
        other, then = map(quote_word, bench.workspace.subject.token_texts([turn.other, turn.says]))
        says += f"; with {other} in the place of {word} it says {then} ({percent(turn.probability)})"
        shown.append(turn.probability)
    return first._replace(says=f"{says}.", shown=shown)


def _stays_with_others(bench: TextBench, weights: Sequence[WordWeight]) -> _Alike | None:
    """That with others of its kind in the place of a word that does not decide the same is said."""
    answer = bench.case["answer_id"]
    left = [one for one in weights if one.kept > WORD_DECIDES and one.first == one.last]
    for one in most_expected(bench.frozen, answer, left)[:TOLD]:
        found = try_near_words(bench.frozen, bench.workspace.words, answer, one.last)
        if len(found.tried) < ENOUGH or len(found.same) < len(found.tried):
            continue
        word, answer_text = _name(bench, one), quote_word(bench.case["answer"])
        other = quote_word(bench.workspace.subject.token_texts(found.same[:1])[0])
        line = f"With {other} in the place of {word} it still says {answer_text}"
        count = f"so do all {len(found.tried)} words like it that were tried"
        return _Alike(f"{line} ({percent(found.left)}); {count}.", [found.left, len(found.tried)], f"{line}.")
    return None


def _parts(found: NearWords) -> float:
    """How well a word parts the answer from others of its kind: how sure another is, in how many places."""
    return found.turns[0].probability * (1 - len(found.same) / len(found.tried))


def _with_others(bench: TextBench, word: str, found: NearWords) -> _Alike:
    """What comes with other words like it; that it decides which one, where they bring others of the kind."""
    answer, texts = quote_word(bench.case["answer"]), bench.workspace.subject.token_texts
    same, tried, of_kind = len(found.same), len(found.tried), found.turns[0].of_kind
    turns = [turn for turn in found.turns if turn.of_kind == of_kind]
    whole = stand_alone(bench.frozen.subject, [turn.says for turn in turns])  # "Woll" says less than "Hill"
    turns = [turn for _, turn in sorted(zip(whole, turns, strict=True), key=lambda pair: not pair[0])]
    turns = turns[: TOLD if of_kind else 1]
    pairs = [tuple(quote_word(text) for text in texts([turn.other, turn.says])) for turn in turns]
    (other, then), *second = pairs
    says = line = f"With {other} in the place of {word} it says {then}"
    if of_kind and second and same <= HALF * tried:  # one odd word that turns it decides nothing
        says = f"{word} decides which one: with {other} in its place it says {then}"
    says += f" ({percent(turns[0].probability)})"
    for also, brought in second:
        says += f", with {also} {brought} ({percent(turns[1].probability)})"
    if second and all(one == brought for one, brought in pairs):
        says, line = (f"{text}: it repeats what stands there" for text in (says, line))
    shown = [turn.probability for turn in turns]
    if same:
        bring = "brings" if same == 1 else "bring"
        says += f"; of {tried} words like {word}, {same} {bring} {answer} all the same"
        shown += [tried, same]
    exchanged = Exchanged(((found.position, turns[0].other),), turns[0].says)
    return _Alike(f"{says}.", shown, f"{line}{', tested' if ':' in line else ': tested'}.", exchanged)


def _counts_by_kind(bench: TextBench, word: str, found: NearWords) -> _Alike:
    answer = quote_word(bench.case["answer"])
    some = join_words([quote_word(text) for text in bench.workspace.subject.token_texts(found.same[:TOLD])])
    says = f"{word} counts by the kind of word it is: of {len(found.tried)} like it, {len(found.same)} bring"
    says += f" {answer} too ({some} among them)."
    line = f"Words like {word}, such as {some}, bring it too: tested."
    return _Alike(says, [len(found.tried), len(found.same)], line)
