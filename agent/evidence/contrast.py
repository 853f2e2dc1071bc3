"""What is asked about a text: answer, foil, premise; and features in words. Runs no experiment."""

from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from agent.core import (
    Case,
    find_break_signs,
    is_mark,
    join_words,
    joined,
    named_tokens,
    percent,
    place_of,
    quote_token,
    round_reported,
)
from agent.features import FROM_TEXT, Description

if TYPE_CHECKING:
    from tracer import Study, Token, Words

ABOUT_AS_LIKELY = 0.7  # of the likeliest of a kind: of these the nearest is compared with
BEGIN = 6  # tokens that say where a window begins
PREDICTIONS_LISTED = 10  # next tokens in a report


def settle_case(
    study: "Study", question: dict[str, Any], note: str = "", words: "Words | None" = None
) -> Case:
    """Answer, foil, and whether the premise holds: explained is what the model does say.

    With words to draw from, a form that agrees with a word of the text is compared with its other form.
    """
    top = study.predictions(PREDICTIONS_LISTED)
    first, second = top[0], top[1]
    said = resolve_token(study, question["said"]) if question.get("said") else None
    rather = resolve_token(study, question["foil"]) if question.get("foil") else None
    split = dict.fromkeys(_split(t) for t in (said, rather) if t is not None and t.rest)
    taken = [*_taken_as(said, question.get("said")), *_taken_as(rather, question.get("foil"))]
    notes = [*([note] if note else []), *_about_text(study, as_typed=not note), *taken, *split]
    wrong = said is not None and said.token_id != first.token_id
    turned = rather is not None and rather.token_id == first.token_id
    premise = "false" if wrong or turned else "true"
    if wrong and said is not None:
        also = " That is what is explained." if not turned else " Why it says that one is explained."
        notes.append(
            f"The model does not say {quote_token(said.text)} ({percent(study.probability(said.token_id))}): "
            f"it says {quote_token(first.token)} ({percent(first.p)}).{also}"
        )
    elif turned:
        itself = " and cannot be compared with itself" if said is not None else ""
        notes.append(f"{quote_token(first.token)} ({percent(first.p)}) is just what the model says{itself}.")
    foil, rule = _foil(study, first.token_id, (second.token, second.token_id), (rather, said), words)
    if turned and not wrong:
        notes.append(f"It is compared with the next most probable, {quote_token(foil[0])}.")
    case = Case(
        text=study.text,
        tokens=list(study.tokens),
        bos=study.frozen.bos,
        sink=study.sink,
        predictions=[{"token": g.token, "p": round_reported(g.p)} for g in top],
        asked=question.get("said"),
        answer=first.token,
        answer_id=first.token_id,
        foil=foil[0],
        foil_id=foil[1],
        foil_p=round_reported(study.probability(foil[1])),
        premise=premise,
        note=" ".join(notes),
        value=round_reported(study.contrast(first.token_id, foil[1]).value),
        foil_rule=rule,
        runner_up=second.token,
    )
    if study.before:
        case["window"] = (study.before, study.begins_at)
    if study.roles:
        case["template"] = sorted(study.frozen.template)
        case["roles"] = [(part.role, part.first, part.end) for part in study.roles]
    return case


def _foil(
    study: "Study",
    answer: int,
    runner_up: tuple[str, int],
    asked: tuple["Token | None", ...],
    words: "Words | None",
) -> tuple[tuple[str, int], str]:
    """What the answer is compared with: what the user says, else the likeliest token of its own kind."""
    for token in asked:
        if token is not None and token.token_id != answer:
            return (token.text, token.token_id), "asked"
    from tracer import find_alternatives, find_rival_in_text, try_agreement

    if is_mark(study.subject.token_texts([answer])[0]):
        return runner_up, "runner-up"
    rival = find_rival_in_text(study.frozen, answer)
    if rival is not None:
        return (study.subject.token_texts([rival])[0], rival), "text"
    agrees = None if words is None else try_agreement(study.frozen, answer, words)
    if agrees is not None and agrees.becomes is not None:
        return (study.subject.token_texts([agrees.becomes])[0], agrees.becomes), "form"
    kind = find_alternatives(study.frozen, answer)
    if not kind:
        return runner_up, "runner-up"
    likely = [one for one in kind if one.probability >= ABOUT_AS_LIKELY * kind[0].probability]
    nearest = max(likely, key=lambda one: one.cosine)  # "Chinese" for "Japanese" beside "Mitsubishi"
    return (nearest.token, nearest.token_id), "kind" if nearest is kind[0] else "nearest"


def resolve_token(study: "Study", piece: str) -> "Token":
    """The next token that is meant, whether or not a name was typed with its capital or its accents apart.

    What is typed with a leading space is taken as it is.
    """
    spellings = [piece]
    if not piece[0].isspace():
        whole = normalize("NFC", piece)
        spellings += [whole, *([whole.capitalize()] if whole.islower() else [])]
    found = (study.token(spelling) for spelling in dict.fromkeys(spellings))
    return max(found, key=lambda t: (not t.rest, study.probability(t.token_id)))


def _taken_as(token: "Token | None", typed: str | None) -> list[str]:
    """That a word is not taken as it was typed."""
    if token is None or typed is None:
        return []
    whole = joined((token.text, *token.rest)).strip()
    if whole == typed.strip() or "<0x" in typed:
        return []
    if normalize("NFC", typed.strip()) == whole:  # the two look the same
        return [f"{quote_token(whole)} was typed with accents apart from their letters; it is taken as one."]
    return [f"{quote_token(typed.strip())} is taken for {quote_token(whole)}."]


def _about_text(study: "Study", *, as_typed: bool) -> list[str]:
    """What of the text is not taken as it was typed, or may not be meant so."""
    notes = []
    if study.before:
        begin = joined(named_tokens(study.tokens[:BEGIN])).strip()
        notes.append(
            f"The text has {len(study.ids):,} tokens. Looked at are its last {len(study.tokens):,}, from "
            f"{quote_token(begin)} on; what stands before is held as it is and counts as one."
        )
    if pasted := study.pasted_bos:
        notes.append(
            f"The text begins with {quote_token(pasted)}, which the model adds itself: it counts once."
        )
    if signs := find_break_signs(study.text):
        notes.append(
            f"The text holds {quote_token(signs)} as it stands, sign for sign. If a line break is meant, say "
            "“with line breaks” (in a shell, $'…' writes one)."
        )
    if as_typed and study.text.endswith(" "):
        notes.append("The text ends with a space, so the next token will most often begin without one.")
    return notes


def _split(token: "Token") -> str:
    pieces = join_words([quote_token(t) for t in named_tokens((token.text, *token.rest))])
    whole = quote_token(joined((token.text, *token.rest)))
    return f"{whole} is several tokens ({pieces}); the first one is meant here."


def read_probabilities(study: "Study", case: Case) -> list[float]:
    """The probabilities of answer and foil, and of what the model is said to say."""
    said = [resolve_token(study, case["asked"]).token_id] if case["asked"] else []
    return [round_reported(study.probability(t)) for t in (case["answer_id"], case["foil_id"], *said)]


def choose_label(feature: dict[str, Any], known: str | None = None) -> str:
    """What a feature does in words: as it is described, else from this text alone, which is said.

    Either way with where it fires here and what its weights promote.
    """
    if known is not None:
        fires = join_words([quote_token(t) for t in feature["fires_on"][:2]] or ["nothing"])
        promotes = ", ".join(quote_token(t) for t in feature["promotes"][:2])
        return f"{known} (here it fires on {fires}; promotes {promotes})"
    return f"{_on_this_text(feature)} (from this text alone)"


def _on_this_text(feature: dict[str, Any]) -> str:
    fires = join_words([quote_token(t) for t in feature["fires_on"][:3]] or ["nothing"])
    promotes = ", ".join(quote_token(t) for t in feature["promotes"][:4])
    if feature["role"] == "input":
        return f"fires on {fires}; promotes {promotes}"
    return f"promotes {promotes}; fires on {fires}"


def make_description(model: str, feature: dict[str, Any]) -> Description:
    """A feature as the library files it."""
    return Description(
        id=f"{model}/{place_of(feature['id'])}",
        model=model,
        layer=feature["layer"],
        feature=feature["neuron"],
        sign=feature["sign"],
        label=feature["label"],
        source=FROM_TEXT,
        promotes=tuple(feature["promotes"]),
        fires_on=tuple(feature["fires_on"]),
    )
