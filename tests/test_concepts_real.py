"""Concepts on the real embedded model: what it holds at a word, and what follows when that is exchanged."""

from pathlib import Path
from typing import Any

import pytest

from agent.evidence import settle_case
from agent.experiments import first_words_from
from tracer import Study
from tracer.attribution.frozen_forward import freeze
from tracer.concepts import (
    ablate,
    exchange,
    exchange_controls,
    find_alternatives,
    find_concepts,
    find_partners,
    find_rival_in_text,
    follow,
    forecast,
    measure,
    nameable_words,
    stand_alone,
)
from tracer.concepts.mechanisms import name_mechanism, try_agreement, try_near_words
from tracer.concepts.mechanisms.copying import try_copying
from tracer.concepts.mechanisms.sequence import _stand_in_a_list, try_sequence
from tracer.concepts.mechanisms.word_weights import weigh_words
from tracer.lens import Lens, lens_for


@pytest.fixture(scope="module")
def concept_lens(embedded_subject: Any, cache_folder: Path) -> Lens:
    lens = lens_for(embedded_subject, cache_folder)
    assert lens is not None  # it is shipped
    return lens


def test_it_holds_japan_at_fuji_and_says_china_when_they_are_exchanged(
    embedded_subject: Any, concept_lens: Lens
) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("Mount Fuji is the tallest mountain in", 64))
    japan, china = subject.pieces(" Japan")[0], subject.pieces(" China")[0]
    fuji = frozen.tokens.index(" Fuji")
    nodes = find_concepts(frozen, concept_lens, nameable_words(subject), answer=japan)
    held = next(node for node in nodes if node.position == fuji and japan in node.tokens).held
    drawn = exchange_controls(frozen, concept_lens, held, (japan, china), away_from=[japan], count=9)
    changes = [exchange(frozen, concept_lens, held, [japan], [china]), *drawn.changes]
    logits = measure(frozen, changes).logits
    assert float(logits[0, china]) > float(logits[0, japan])
    assert all(float(row[china]) < float(row[japan]) for row in logits[1:])


def test_the_chain_of_a_hop_names_the_country_and_foresees_what_its_loss_does(
    embedded_subject: Any, concept_lens: Lens
) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    text = "The official language of the country where Beijing is located is"
    frozen = freeze(subject, subject.encode(text, 64))
    answer = int(frozen.logits.argmax())
    alternatives = find_alternatives(frozen, answer)
    nodes = find_concepts(frozen, concept_lens, words, answer=answer)
    chain = follow(frozen, concept_lens, nodes, answer, alternatives)
    assert chain.main is not None
    main = chain.tested[chain.main]
    assert main.node.name.lower().startswith("china")
    assert frozen.tokens[main.node.position] == " Beijing"
    assert main.p <= 0.05
    assert chain.start is not None
    partners = find_partners(frozen, concept_lens, words, main.node)
    assert partners
    assert all(stand_alone(subject, partners))
    taken_out = ablate(frozen, concept_lens, main.node.held, main.node.tokens[:1])
    foreseen = forecast(frozen, [taken_out], answer, alternatives)[0]
    assert foreseen.curved == pytest.approx(main.effect, rel=0.5)


def test_alternatives_are_of_the_answers_own_kind(embedded_subject: Any) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("Monday, Tuesday, Wednesday,", 64))
    thursday = subject.pieces(" Thursday")[0]
    found = {one.token for one in find_alternatives(frozen, thursday)}
    assert {" Friday", " Saturday"} <= found
    assert not found & {" the", " Thursday", " thursday"}


@pytest.mark.parametrize(
    ("mechanism", "texts"),
    [
        (
            "copying",
            {
                "Her favourite word is candle. Yes, her favourite word is": " candle",
                "The code word is mirror. Remember, the code word is": " mirror",
                "When Mary and John went to the store, Mary gave a drink to": " John",
            },
        ),
        ("sequence", {"Monday, Tuesday, Wednesday,": " Thursday", "March, April, May,": " June"}),
    ],
)
def test_a_mechanism_is_named_by_its_test(
    embedded_subject: Any, mechanism: str, texts: dict[str, str]
) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    shown = 0
    for text, answer in texts.items():
        frozen = freeze(subject, subject.encode(text, 64))
        says = int(frozen.logits.argmax())
        if subject.token_texts([says])[0] == answer:  # the model does what the mechanism does
            shown += 1
            named = name_mechanism(frozen, words, says)
            assert named is not None
            assert named.name == mechanism
    assert shown


def test_words_of_a_kind_scattered_over_a_sentence_are_no_list(embedded_subject: Any) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("The man who painted the Mona Lisa was named", 64))
    assert not try_sequence(frozen, subject.pieces(" after")[0]).holds
    listed = freeze(subject, subject.encode("one, two, three, four,", 64))
    assert try_sequence(listed, subject.pieces(" five")[0]).holds


def test_a_month_follows_the_last_alone_and_a_number_the_whole_list(embedded_subject: Any) -> None:
    subject = embedded_subject
    for text, answer, alone in (
        ("January, March, May,", " June", True),
        ("one, two, three,", " four", False),
    ):
        own = subject.pieces(answer)[0]
        test = try_sequence(freeze(subject, subject.encode(text, 64)), own)
        assert test.holds
        assert len(test.next_item) == len(test.before) >= 5
        same = sum(item == own for item in test.next_item)
        assert same >= 0.7 * len(test.next_item) if alone else same <= 0.3 * len(test.next_item)


def test_of_two_names_the_one_said_twice_is_ruled_out_by_that(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    text = "When Mary and John went to the store, John gave a drink to"
    frozen = freeze(subject, subject.encode(text, 64))
    mary, john = subject.pieces(" Mary")[0], subject.pieces(" John")[0]
    assert int(frozen.logits.argmax()) == mary
    assert find_rival_in_text(frozen, mary) == john
    found = try_copying(frozen, words, mary)
    assert found.holds
    assert (found.rival, found.rival_at) == (john, frozen.tokens.index(" John", 6))


def test_a_name_that_begins_the_text_is_copied_as_the_same_word(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    text = "Sarah gave the book to Peter, and then Peter gave the book back to"
    frozen = freeze(subject, subject.encode(text, 64))
    sarah, peter = subject.pieces(" Sarah")[0], subject.pieces(" Peter")[0]
    assert frozen.tokens[1] == "Sarah"  # without a space: another token
    assert find_rival_in_text(frozen, sarah) == peter
    found = try_copying(frozen, words, sarah)
    assert found.holds
    assert found.positions == (1,)
    assert (found.rival, found.rival_at) == (peter, frozen.tokens.index(" Peter", 8))


def test_a_plural_of_any_spelling_is_agreed_with(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    for text, one in {
        "The boxes on the shelf": " box",
        "The women at the back of the room": " woman",
    }.items():
        frozen = freeze(subject, subject.encode(text, 64))
        found = try_agreement(frozen, int(frozen.logits.argmax()), words)
        assert found.holds
        assert found.position == 2
        assert subject.token_texts([found.instead, found.becomes])[0] == one


def test_what_goes_with_any_number_agrees_with_nothing(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    frozen = freeze(subject, subject.encode("The policy of the states", 64))  # it says "to"
    assert not try_agreement(frozen, int(frozen.logits.argmax()), words).holds


@pytest.mark.parametrize(
    ("text", "answer", "likeliest"),
    [
        ("A robin is a kind of bird, and a salmon is a kind of", " fish", " bird"),
        ("La capitale de l'Espagne est", " une", " un"),
        ("The author of Pride and Prejudice is Jane", " Austen", " Eyre"),
        ("The Colosseum is in the capital of Italy, the city of", " Rome", " Florence"),  # and not " ancient"
    ],
)
def test_what_is_clearly_likelier_is_compared_with(
    embedded_subject: Any, text: str, answer: str, likeliest: str
) -> None:
    subject = embedded_subject
    found = find_alternatives(freeze(subject, subject.encode(text, 64)), subject.pieces(answer)[0])
    assert found[0].token == likeliest


def test_a_colour_of_the_text_is_followed_whosever_it_is(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    text = "Alice has a red car and Ben has a blue car. The color of Ben's car is"
    frozen, red = freeze(subject, subject.encode(text, 64)), subject.pieces(" red")[0]
    assert int(frozen.logits.argmax()) == red
    turn = try_near_words(frozen, words, red, frozen.tokens.index(" red")).turns[0]
    assert turn.says == turn.other  # what is put there is said
    beside = try_near_words(frozen, words, red, frozen.tokens.index(" blue"))
    assert len(beside.same) >= 0.8 * len(beside.tried)
    assert beside.left > 0.2


def test_numbers_are_exchanged_for_numbers_and_it_adds_them(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    frozen = freeze(subject, subject.encode("7 + 5 = 1", 64))
    two, seven = subject.pieces("2")[0], frozen.tokens.index("7")
    assert int(frozen.logits.argmax()) == two
    turns = try_near_words(frozen, words, two, seven).turns
    texts = [subject.token_texts([turn.other, turn.says]) for turn in turns if turn.of_kind]
    right = [int(said) == (int(put) + 5) % 10 for put, said in texts]
    assert sum(right) >= 2


def test_where_no_word_means_much_by_itself_all_are_weighed(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    frozen = freeze(subject, subject.encode("To be, or not to be, that is the", 64))
    weights = weigh_words(frozen, words, subject.pieces(" question")[0])
    assert {frozen.tokens[one.last] for one in weights} >= {"To", " be", " not", " the"}


def test_silver_in_the_place_of_gold_brings_its_own_symbol(embedded_subject: Any) -> None:
    subject, words = embedded_subject, nameable_words(embedded_subject)
    frozen = freeze(subject, subject.encode("The chemical symbol for gold is", 64))
    answer = int(frozen.logits.argmax())
    assert subject.token_texts([answer]) == [" Au"]
    found = try_near_words(frozen, words, answer, frozen.tokens.index(" gold"))
    best = found.turns[0]
    assert subject.token_texts([best.other, best.says]) == [" silver", " Ag"]
    assert best.of_kind


def test_what_only_shares_the_topic_of_an_answer_in_the_text_is_no_rival(embedded_subject: Any) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("A baby cat is called a", 64))
    assert find_rival_in_text(frozen, subject.pieces(" cat")[0]) is None


def test_a_function_word_is_told_with_the_word_behind_it(embedded_subject: Any) -> None:
    study = Study(embedded_subject, "The author of Harry Potter is", 64)
    answer = study.predictions(1)[0]
    assert answer.token == " a"
    assert first_words_from(study, answer.token_id).startswith("a ")
    for word in (" Paris", " Au", "."):  # a short word is none, nor is a sign
        assert first_words_from(study, embedded_subject.pieces(word)[0]) == ""


def test_of_those_about_as_likely_the_nearest_is_compared_with(embedded_subject: Any) -> None:
    text = "The currency used in the country where Mount Fuji is located is the"
    case = settle_case(Study(embedded_subject, text, 64), {"text": text, "said": None, "foil": None})
    assert (case["answer"], case["foil"], case["foil_rule"]) == (" Japanese", " Chinese", "nearest")


def test_a_row_of_words_with_function_words_is_no_list(embedded_subject: Any) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("The capital of France is", 64))
    items = range(1, frozen.length)  # as a small model, to which these are of one kind, would take them
    assert not _stand_in_a_list(frozen.tokens, items)
    listed = freeze(subject, subject.encode("one two three four", 64))
    assert _stand_in_a_list(listed.tokens, range(1, listed.length))


def test_an_article_agrees_with_no_word_before_it(embedded_subject: Any) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("In Brazil people speak", 64))
    for said in (" a", " the"):  # with "person" a comma comes before it
        assert not try_agreement(frozen, subject.pieces(said)[0]).holds
    dogs = freeze(subject, subject.encode("The dogs in the garden", 64))
    assert try_agreement(dogs, subject.pieces(" are")[0]).holds
