"""Free English, understood without a language model: measured coverage, exact quoting, hostile input."""

import json
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings, strategies as st

from agent.questions import EXAMPLES, Intent, Question, parse_question
from agent.questions.intent_classifier import PLAIN
from agent.questions.quoting import lift_quotes
from tests.benchmarks.fit_meaning import digest as meaning_digest
from tests.benchmarks.fit_tagger import digest

HERE = Path(__file__).parent
DATA = HERE.parent / "agent" / "questions" / "data"
ASKED = yaml.safe_load((HERE / "questions.yaml").read_text(encoding="utf-8"))
NEWER = ("at", "concept", "layer", "maybe", "guess", "either", "then")  # what the older do not tell
SLOTS = [field.name for field in fields(Question) if field.name not in ("intent", "raw", *NEWER)]
BY_PHRASE = {Intent.CONCEPTS, Intent.LAYER, Intent.LENGTH}  # not in questions.yaml: test_concept_answers
BY_PHRASE |= {Intent.UNDO, Intent.EXPORT, Intent.METHOD, Intent.STEER, Intent.FOREIGN}  # test_listening
LONG = 10_000
TEXTS = [
    "The main path to the",
    "The shortest route from Paris to",
    "The train from London to",
    "John removed the lid and",
    "Remove the cover and",
    "He wanted to swap his bike for",
    "Make it",
    "The second sentence of the book is",
    "Without water, plants",
    "It is wrong to",
    "That is",
    "She asked him why",
    "When the sun rises, the",
    "Where there is smoke, there is",
    'How do you say "hello" in French? You say "',
    "Q: What is the capital of France? A:",
    "2 + 2 =",
    "import numpy as",
    '{"name": "John", "age":',
    "I like cats more than",
    "The features of this phone are",
    "Search and rescue teams found the",
    "Find the value of x:",
    "If it rains tomorrow, we will",
    "Suppose x is 3. Then x squared is",
    "If I were you, I would",
    "He turned the lights off and",
    "Paris is to France as Rome is to",
    "The difference between cats and dogs is",
    "Compared to 2020, the",
    "Trust me, I am a",
    "The answer to life, the universe and everything is",
    "Hello world! My name is",
    "Stop the car and",
    "Please find attached the",
    "So the answer is",
    "'Twas the night before",
    "Flip a coin and it lands on",
    "The dogs' owner's dog isn't",
    "Another text that is",
]


def misread(asked):
    question = parse_question(asked["ask"], has_graph=asked.get("graph", False), focus=asked.get("focus"))
    wanted = {"intent": asked["intent"], **{slot: asked.get(slot) for slot in SLOTS}}
    got = {name: getattr(question, name) for name in wanted}
    return {name: (wanted[name], got[name]) for name in wanted if wanted[name] != got[name]}


EACH = [pytest.param(1, marks=pytest.mark.slow, id="each"), pytest.param(4, id="every fourth")]


@pytest.mark.parametrize("step", EACH)
@pytest.mark.parametrize("held_out", [False, True])
def test_coverage(held_out, step, capsys):
    part = [a for a in ASKED if a.get("held_out", False) is held_out and not a.get("neutral")][::step]
    wrong = {asked["ask"]: what for asked in part if (what := misread(asked))}
    share = 1 - len(wrong) / len(part)
    with capsys.disabled():
        which = "held out" if held_out else "tuned"
        sys.stdout.write(f"\n{which}: {share:.1%} of {len(part)} questions read\n")
    assert share >= 0.95, wrong


@pytest.mark.parametrize("step", EACH)
def test_coverage_of_what_others_wrote(step, capsys):
    """What is learnt from by now; the figures of the first run stand in the file."""
    part = [asked for asked in ASKED if asked.get("neutral")][::step]
    wrong = {asked["ask"]: what for asked in part if (what := misread(asked))}
    other = [ask for ask, what in wrong.items() if "intent" in what]
    with capsys.disabled():
        slots = 1 - len(wrong) / len(part)
        sys.stdout.write(
            f"\nneutral: {1 - len(other) / len(part):.1%} of {len(part)} intents, {slots:.1%} whole\n"
        )
    assert len(other) <= 0.05 * len(part), other


def test_the_weights_are_those_of_the_bank():
    """After a change of the bank: python -m tests.benchmarks.fit_meaning."""
    with np.load(DATA / "meaning.npz") as kept:
        assert str(kept["bank"]) == meaning_digest(), "python -m tests.benchmarks.fit_meaning"
        assert {str(name) for name in kept["classes"]} == {*Intent, PLAIN} - {Intent.FOREIGN}
    with np.load(DATA / "tagger.npz") as kept:
        assert str(kept["bank"]) == digest(), "python -m tests.benchmarks.fit_tagger"


@pytest.mark.parametrize(
    ("message", "intent", "slot", "filled"),
    [
        ("what tilted the scales in favour of Austin", Intent.WHY, "said", "Austin"),
        ("Boulder never stood a chance, how come?", Intent.WHY_NOT, "foil", "Boulder"),
        ("which lever do i pull for Denver", Intent.MAKE, "foil", "Denver"),
        ("does the comma pull its weight?", Intent.USES, "group", "comma"),
        ("crank S2 up to 300 %", Intent.INTERVENE, "factor", 3.0),
        ("put Ohio wherever Texas was", Intent.SWAP, "other", "Ohio"),
        ("got any neurons that light up for volcanoes?", Intent.SEARCH, "other", "volcanoes"),
    ],
)
def test_what_no_phrase_fits_is_read_by_its_meaning(message, intent, slot, filled):
    question = parse_question(message, has_graph=True)
    assert (question.intent, getattr(question, slot)) == (intent, filled)


@pytest.mark.parametrize("step", EACH)
def test_fresh_questions_are_read(step, capsys):
    asked = yaml.safe_load((HERE / "fresh_questions.yaml").read_text(encoding="utf-8"))[::step]
    right = [
        parse_question(one["ask"], has_graph=one.get("graph", False)).intent == one["intent"] for one in asked
    ]
    share = sum(right) / len(asked)
    with capsys.disabled():
        sys.stdout.write(f"\nfresh: {share:.1%} of {len(asked)} intents read\n")
    assert share >= 0.95


@pytest.mark.parametrize(
    ("message", "slots"),
    [
        (
            "why did it say Lima after The capital of Peru is",
            {"text": "The capital of Peru is", "said": "Lima"},
        ),
        (
            "Water is made of hydrogen and -> oxygen. Where does that come from?",
            {"text": "Water is made of hydrogen and", "said": "oxygen"},
        ),
        (
            "the cat sat on the gives mat, but i want New York",
            {"text": "the cat sat on the", "foil": "New York"},
        ),
        ("what would it take for Roses are red, violets are to end in green?", {"foil": "green"}),
        ("exchange South Africa for New Zealand in there", {"group": "South Africa", "other": "New Zealand"}),
    ],
)
def test_texts_without_quotation_marks_and_names_of_several_words_are_found(message, slots):
    question = parse_question(message, has_graph="exchange" in message)
    assert {name: getattr(question, name) for name in slots} == slots


def test_there_are_enough_phrasings_and_every_intent_is_among_them():
    held_out = [asked for asked in ASKED if asked.get("held_out")]
    assert len(ASKED) >= 160
    assert len(held_out) >= 54
    assert len({asked["ask"] for asked in ASKED}) == len(ASKED)
    assert {asked["intent"] for asked in ASKED} == set(Intent) - BY_PHRASE


@pytest.mark.parametrize("has_graph", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_not_taken_for_an_order(text, has_graph):
    """It is traced, or, where it may be a request, asked back with the whole text one click away."""
    read = parse_question(text, has_graph=has_graph)
    asked_back = Question(Intent.UNKNOWN, maybe=text, guess=read.guess, raw=text)
    assert read in (Question(Intent.TEXT, text=text, raw=text), asked_back)


def test_few_texts_are_asked_back():
    asked_back = [text for text in TEXTS if parse_question(text).intent is Intent.UNKNOWN]
    assert len(asked_back) <= 0.1 * len(TEXTS), asked_back


QUOTED = [
    "The dog's owner is",
    "The dogs' owners' home is",
    "rock 'n' roll is",
    'He said "no" to',
    "def f(x):\n\treturn x  +\n",
    "  two spaces ",
    "continue with Paris rather than Rome?",
    "why not Houston?",
    "שלום, מה שלומך",
    "👩\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧 🇫🇷",
    "\U000f0000 private \U000f0001 use",
    "tab\tand\x0bbell\x07",
    "?",
    "…",
]
MARKS = ['""', "“”", "«»", "``"]


@pytest.mark.parametrize(
    ("inner", "marks"), [(inner, marks) for inner in QUOTED for marks in MARKS if marks[0] not in inner]
)
def test_what_is_quoted_is_kept_byte_for_byte(inner, marks):
    said = f"{marks[0]} John{marks[1]}"
    question = parse_question(f"Why does {marks[0]}{inner}{marks[1]} continue with {said}?")
    assert (question.intent, question.text, question.said) == (Intent.WHY, inner, " John")
    assert parse_question(f"{marks[0]}{inner}{marks[1]}").text == inner


@pytest.mark.parametrize("inner", ["The dog's owner is", "The dogs' home is", 'He said "no" to', "It’s"])
def test_single_quotes_may_hold_apostrophes(inner):
    for left, right in ("''", "‘’"):
        question = parse_question(f"Why does {left}{inner}{right} continue with {left} big{right}?")
        assert (question.text, question.said) == (inner, " big")


def test_an_unquoted_text_is_kept_as_typed():
    text = "def add(a, b):\n    return  a +"
    assert parse_question(f"Why does {text} continue with b rather than a?").text == text
    long = "word  " * 900 + "end"
    question = parse_question(f"Why does {long} continue with Paris?")
    assert (question.intent, question.text, question.said) == (Intent.WHY, long, "Paris")


def test_what_is_given_apart_wins():
    given_apart = {"text": "Texas, whose capital is", "said": " Austin", "foil": " Houston"}
    for message in ("", "Why does 'X Y' continue with b rather than c?", "Why?"):
        question = parse_question(message, **given_apart)
        assert question == Question(Intent.WHY, **given_apart, raw=message)
    assert parse_question("why not Dallas?", text="A B").foil == "Dallas"
    assert parse_question("", text="A B").intent is Intent.WHY


def test_this_and_it_mean_what_is_pinned():
    focus = {"kind": "supernode", "id": "S7"}
    for message in ("remove this group", "double it", "what does this do?", "does this matter?"):
        assert parse_question(message, has_graph=True, focus=focus).group == "S7"
        assert parse_question(message, has_graph=True).group is None
    assert parse_question("remove the Texas group", has_graph=True, focus=focus).group == "Texas"


def test_the_examples_it_offers_are_understood():
    assert len(EXAMPLES) == 3
    assert Intent.UNKNOWN not in {parse_question(example, has_graph=True).intent for example in EXAMPLES}


@pytest.mark.parametrize("message", ["", " ", "\n\t", "\0", "\u200b", "\ufeff", "\ud800", "...", "''", '"'])
def test_next_to_nothing_is_no_error(message):
    question = parse_question(message)
    assert question.intent in {Intent.UNKNOWN, Intent.TEXT}
    assert question.raw == message


def test_control_characters_do_not_hide_a_question():
    question = parse_question("why\x00did it\x1b say Austin?\x07", has_graph=True)
    assert (question.intent, question.said) == (Intent.WHY, "Austin")


def test_a_factor_is_always_a_plain_number():
    for amount in ("9" * 300, "1e308", "٣", "-0", "1,5", ".5", "0.0000001", "50 %", "--1"):
        for verb in ("scale", "reduce", "boost", "remove", "triple"):
            question = parse_question(f"{verb} S1 by {amount}", has_graph=True)
            assert question.factor is None or abs(question.factor) < 1e31


HEADS = [
    "",
    "why does ",
    "what if ",
    "what would make it ",
    "show ",
    "is ",
    "how does ",
    "'T' why ",
    "remove ",
]
UNITS = [
    "why ",
    "why does it say ",
    "continue with ",
    "rather than ",
    "swap a for b ",
    "what if it was a instead of ",
    "from a to b ",
    "please ",
    "can you tell me ",
    "a ",
    "  ",
    "\n",
    "\t ",
    "? ",
    "'",
    '"',
    "“",
    "«",
    "`",
    "'a' ",
    "`` ",
    "it ",
    "the small large ",
    "not ",
    "remove ",
    "compare a with b and c ",
    "sentence 3 ",
    "evidence ",
    "strongest path ",
    "in 'x', why ",
    "-> ",
    "-",
    "aaaa",
    "\x00",
    "\U000f0000",
    "ב",
    "🙈",
    "really ",
    "how does it get to ",
    "without ",
    "features about ",
    "X Y Z. ",
    "(",
    "[",
    "\\",
    "1",
    "1.",
    "12 % ",
    "of the network ",
    "should be ",
    "other ",
    ".",
    "!?",
    "S1 ",
    "L1.N2 ",
    "'a 'a",
    "does ",
]
TAILS = ["", "?", " continue with Paris rather than Rome?"]


@pytest.fixture(scope="module")
def plain_seconds():
    """What this machine needs for a message of the same length in which there is nothing to look for."""
    parse_question("warm?")
    return {length: processor_seconds(("word " * length)[:length]) for length in (300, LONG)}


@pytest.mark.parametrize("tails", ["one a message", pytest.param("every", marks=pytest.mark.slow)])
@pytest.mark.parametrize("head", HEADS)
def test_long_hostile_messages_take_no_longer_than_others(head, tails, plain_seconds):
    for number, unit in enumerate(UNITS):
        for tail in TAILS if tails == "every" else [TAILS[number % len(TAILS)]]:
            for length in (300, LONG):
                message = (head + unit * length)[: length - len(tail)] + tail
                enough = 8 * plain_seconds[length] + 0.03  # what backtracks takes seconds
                assert processor_seconds(message, enough) < enough, (head, unit, tail, length)


def processor_seconds(message, enough=0.0):
    """The best of a few, since the machine may be busy with other things."""
    best = 100.0
    for _ in range(3):
        start = time.process_time()
        parse_question(message, has_graph=True)
        best = min(best, time.process_time() - start)
        if best < enough:
            break
    return best


WORDS = sorted({word for asked in ASKED for word in asked["ask"].split()})


def with_lists(value):
    """A value as it comes back from JSON: every tuple is a list."""
    if isinstance(value, dict):
        return {name: with_lists(one) for name, one in value.items()}
    return [*map(with_lists, value)] if isinstance(value, list | tuple) else value


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)))
def test_any_message_is_read_into_something_that_fits_json(message):
    question = parse_question(message, has_graph=True, focus={"kind": "node", "id": "L1.N1+@2"})
    assert question.raw == message
    kept = with_lists(asdict(question))
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    if question.text is not None:
        assert question.text in message
    lifted = lift_quotes(message)
    assert lifted.raw(lifted.rest) == message


@pytest.mark.parametrize(
    ("message", "slot", "word"),
    [
        ("Why does 'The opposite of up is' say up?", "said", "up"),
        ("Why does The opposite of up is say up rather than down?", "said", "up"),
        ("The opposite of up is -> up, why?", "said", "up"),
        ("Why does 'one two three' say one?", "said", "one"),
        ('Why does the text "I think" say "so"?', "said", "so"),
        ("What would make 'The opposite of up is' say in?", "foil", "in"),
        ("Why doesn't 'The opposite of up is' say up?", "foil", "up"),
    ],
)
def test_a_token_is_kept_where_it_is_a_word_that_questions_are_made_of(message, slot, word):
    assert getattr(parse_question(message), slot) == word


@pytest.mark.parametrize(
    ("message", "intent", "first", "last"),
    [
        ("what happens in layers 8 to 12 at the last token?", "concepts", 8, 12),
        ("what's in its mind between layers 4 and 9?", "concepts", 4, 9),
        ("what happens in layer 12?", "concepts", 12, None),
        ("only layers 5-9", "steer", 5, 9),
        ("test only up to layer 6", "steer", 0, 6),
        ("only before layer 5", "steer", 0, 4),
        ("only layer 10 on", "steer", 10, None),
    ],
)
def test_several_layers_have_a_first_and_a_last(message, intent, first, last):
    found = parse_question(message, has_graph=True)
    assert (found.intent.value, found.layer, found.up_to) == (intent, first, last)


QUOTED = [
    "Fact: Michael Jordan plays the sport of",
    "Q: What is the capital of France?\nA:",
    "Title: Dune. Author:",
    "Input: 3 Output: 9 Input: 4 Output:",
    "Ingredients:\n- flour\n- ",
    "User: hi\nAssistant:",
    "1. apple\n2. banana\n3.",
    "if x > 0: return",
    "The ratio is 3:4, or",
    "Why is the sky",
    "remove the",
    "Explain photosynthesis:",
    "a -> b, c ->",
    "Rather than Paris he chose",
    "The model says that",
    "continue with the",
]
AROUND = [
    "Why does {} continue with mat rather than dog?",
    "Why does {} continue as it does?",
    "why {} -> mat",
    "Why does the model say mat after {}?",
    "After {} it says mat. Why?",
    "trace {}",
    "what makes it say mat in {}?",
    "Why doesn't {} end with dog?",
    "{}",
]


@pytest.mark.parametrize("text", QUOTED)
def test_what_is_quoted_is_taken_byte_for_byte_whatever_it_holds(text):
    quoted = [f"'{text}'", f'"{text}"', f"“{text}”"]
    asked = [around.format(each) for around in AROUND for each in quoted]
    read = {
        message: parse_question(message, has_graph=talks).text for message in asked for talks in (False, True)
    }
    assert {message: found for message, found in read.items() if found != text} == {}


def test_two_quoted_texts_are_compared_whatever_stands_behind_them():
    asked = "Compare ‘The keys to the cabinet’ with ‘The key to the cabinets’ with respect to agreement."
    found = parse_question(asked)
    assert (found.text, found.other) == ("The keys to the cabinet", "The key to the cabinets")


def test_a_quoted_word_of_the_method_is_no_text():
    found = parse_question("What does 'ablation' mean?", has_graph=True)
    assert (found.intent.value, found.text, found.other) == ("method", None, "ablation")
