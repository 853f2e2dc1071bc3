"""Where what a word says goes: how long it stays there, which heads take it on. Reads the ledger."""

from agent.core import (
    Case,
    RouteClaim,
    State,
    case_of,
    every_claim,
    join_words,
    percent,
    quote_whole_word,
    quote_word,
    quote_word_at,
)
from agent.evidence import Sentence

BY_WAY_OF = 0.25  # of the way that a word between both makes, to be told
SHARP = 0.3  # of the way that is lost from one layer to the next where it leaves at once


def find_route_claim(state: State) -> RouteClaim | None:
    """The way that was followed on this text; None where none was."""
    return next(reversed(every_claim(state, RouteClaim)), None)


def tell_route(state: State) -> list[Sentence]:
    """Up to which layer it stays at its word, from which on it is at the last one; what takes it there."""
    claim, case = find_route_claim(state), case_of(state)
    if claim is None:
        return []
    return [*_where_it_is(claim, case), *_what_takes_it(claim, case)]


def tell_route_simply(state: State) -> list[Sentence]:
    """The same to somebody who has not heard of attention heads, without shares."""
    claim, case = find_route_claim(state), case_of(state)
    if claim is None or claim.arrives is None:
        return []
    words, one = _words(claim, case), len(_words(claim, case)) == 1
    text = f"The difference that {join_words(words)} {'makes' if one else 'make'} is at"
    text += f" {'that word' if one else 'these words'} first; from layer {claim.arrives} on it is at the last"
    text += f" word, {quote_whole_word(case['tokens'], claim.target)}, where the next one is chosen"
    out = [Sentence(f"{text}.", (claim.id,))]
    if not claim.heads:
        return out
    parts = "the parts by which one word looks at another"
    if not claim.few_take_it:
        return [*out, Sentence(f"Many attention heads, {parts}, share in bringing it there.", (claim.id,))]
    several = len(claim.heads) > 1
    bring, write = ("bring", "they write") if several else ("brings", "it writes")
    part_of = "" if claim.turns_it(case["answer"]) else "part of "
    who = f"A few attention heads, {parts}," if several else f"One attention head, one of {parts},"
    text = f"{who} {bring} {part_of}it there"
    if claim.then is not None and claim.then.token == claim.says:
        says = quote_word(claim.says)
        text += f": with what {write} when the text says {_put(claim)}, the model says {says}"
    return [*out, Sentence(f"{text}.", (claim.id,))]


def tell_route_in_line(state: State, *, exchange: bool = False) -> list[Sentence]:
    """The heads that take it, in a line; nothing where many do. `exchange`: and what that word brings."""
    claim, case = find_route_claim(state), case_of(state)
    if claim is None or len(_words(claim, case)) > 1 or not claim.turns_it(case["answer"]):
        return []
    main = [one.name for one in claim.heads]
    word, other = _words(claim, case)[0], quote_word(claim.words[0].other)
    heads = f"ttention {'heads' if len(main) > 1 else 'head'} {join_words(main)}"
    take = "take" if len(main) > 1 else "takes"
    text = f"A{heads} {take} what counts from {word} to the last word"
    if exchange:
        text = f"With {other} in the place of {word} it says {quote_word(claim.says)}; a{heads} {take} the"
        text += " difference to the last word"
    return [Sentence(f"{text}: tested.", (claim.id,))]


def _where_it_is(claim: RouteClaim, case: Case) -> list[Sentence]:
    if claim.arrives is None:
        return []
    words, last = _words(claim, case), f"the last word, {quote_whole_word(case['tokens'], claim.target)}"
    what = f"The difference between {words[0]} and {quote_word(claim.words[0].other)}"
    if len(words) > 1:
        what = f"The difference that {join_words(words)} make"
    stays = "stays" if claim.kept - claim.gone >= SHARP else "is mostly"
    there = f"at {words[0]}" if len(words) == 1 else "at these words"
    if claim.arrives > claim.stays:
        text = (
            f"{what} {stays} {there} up to layer {claim.stays}; from layer {claim.arrives} on it is at {last}"
        )
        if claim.between is not None and claim.between_share >= BY_WAY_OF:
            text += f", and in between at {quote_word_at(case['tokens'], claim.between)}"
    else:
        text = f"{what} is at {last}, from layer {claim.arrives} on"
    return [Sentence(f"{text}.", (claim.id,))]


def _what_takes_it(claim: RouteClaim, case: Case) -> list[Sentence]:
    """The heads, and what the model says with what they write where the other word stands."""
    if not claim.heads:
        return []
    ids = (claim.id,)
    way, part = _way(claim, case), percent(claim.together)
    names, several = join_words([one.name for one in claim.heads]), len(claim.heads) > 1
    heads = f"{'heads' if several else 'head'} {names}"
    if not claim.few_take_it:
        text = f"Many attention heads take it there together: {heads}, which {'do' if several else 'does'}"
        return [Sentence(f"{text} most, {'make' if several else 'makes'} {part} {way}.", ids)]
    take, write = ("take", "write") if several else ("takes", "writes")
    stand = "stand" if len(_words(claim, case)) > 1 else "stands"
    part_of = "" if claim.turns_it(case["answer"]) else "part of "
    they = "they" if several else "it"
    text = f"Attention {heads} {take} {part_of}it there: with what {they} {write} at the last word when"
    text += f" {_put(claim)} {stand} in the text"
    others = f"as many others at random make {percent(max(0.0, claim.largest))} at most"
    if claim.then is not None:
        still = "still " if claim.then.token == case["answer"] else ""
        text += f", it {still}says {quote_word(claim.then.token)} ({percent(claim.then.p)})"
    part = "all" if claim.together > 1 else part
    return [Sentence(f"{text}. That is {part} {way}; {others}.", ids)]


def show_route_numbers(claim: RouteClaim, case: Case) -> list[Sentence]:
    """The shares that the way was read from."""
    word, last = join_words(_words(claim, case)), _last(claim, case)
    way = _way(claim, case)
    leave = "leave" if len(claim.words) > 1 else "leaves"
    text = f"With what {_put(claim)} {leave} behind layer {claim.stays} put in at {word}, the model goes"
    text += f" {percent(claim.kept)} {way}, and {percent(claim.gone)} a layer on"
    if claim.arrives is not None:
        text += f"; put in at {last} behind layer {claim.arrives}, {percent(claim.at_last)}"
    out = [Sentence(f"{text}.", (claim.id,))]
    if claim.heads:
        parts = [f"{percent(one.share)} ({one.name})" for one in claim.heads]
        text = f"By what a head writes at {last} alone it goes {join_words(parts)} {way}; by all of these at"
        text += f" once {percent(claim.together)}, by {len(claim.others)} sets of as many others at most"
        out.append(Sentence(f"{text} {percent(max(0.0, claim.largest))}.", (claim.id,)))
    return out


def _words(claim: RouteClaim, case: Case) -> list[str]:
    """The words that are exchanged; the pieces of one are one."""
    return list(dict.fromkeys(quote_word_at(case["tokens"], one.position) for one in claim.words))


def _way(claim: RouteClaim, case: Case) -> str:
    return f"of the way from {quote_word(case['answer'])} to {quote_word(claim.says)}"


def _put(claim: RouteClaim) -> str:
    return join_words(list(dict.fromkeys(quote_word(one.other) for one in claim.words)))


def _last(claim: RouteClaim, case: Case) -> str:
    return quote_word_at(case["tokens"], claim.target)
