"""What is asked is taken as it was meant: one begin token, answers that begin alike, parts of characters."""

import pytest
from tests_support import words_tokenizer

from agent import Session, collect_report
from agent.core import QuestionError, percent
from agent.core.text_format import joined, quote_token_at, with_line_breaks
from agent.evidence import settle_case, to_where_it_falls
from agent.questions import parse_question
from agent.session.understanding import list_choices
from tracer import Study, TextError
from tracer.models.byte_tokens import spell_bytes

TEXT = "Fact: the capital of the state containing Dallas is"


class Studies:
    """Texts as a workspace studies them."""

    def __init__(self, subject):
        self.subject, self.known = subject, {}

    def study(self, text):
        return Study(self.subject, text, 64, written=self.known.get(text))

    def know_written(self, text, ids):
        self.known[text] = ids


def question(text, said=None, foil=None):
    return {"text": text, "said": said, "foil": foil}


def test_a_pasted_begin_token_counts_once_and_is_told(embedded_subject):
    plain, pasted = Study(embedded_subject, TEXT, 64), Study(embedded_subject, f"<bos>{TEXT}", 64)
    twice = Study(embedded_subject, f"<bos><bos>{TEXT}", 64)
    assert plain.tokens == pasted.tokens == twice.tokens
    assert plain.tokens.count("<bos>") == 1
    assert pasted.predictions(3) == plain.predictions(3)
    assert (
        "“<bos>”, which the model adds itself: it counts once" in settle_case(pasted, question(TEXT))["note"]
    )
    assert settle_case(plain, question(TEXT))["note"] == ""
    with pytest.raises(TextError, match="only a begin token"):
        Study(embedded_subject, "<bos>", 64)


def test_a_text_that_ends_with_a_space_gets_a_hint(embedded_subject):
    case = settle_case(Study(embedded_subject, f"{TEXT} ", 64), question(TEXT))
    assert "ends with a space" in case["note"]


def test_answers_that_begin_alike_are_explained_where_they_part(embedded_subject):
    text = "The Golden Gate Bridge is in the city of"
    studies = Studies(embedded_subject)
    moved, note, _ = to_where_it_falls(studies, question(text, "San Francisco", "San Diego"))
    assert moved["text"] == f"{text} San"
    assert (moved["said"], moved["foil"]) == (" Francisco", " Diego")
    assert note == "They share “ San”; what decides is “ Francisco” against “ Diego”."
    case = settle_case(studies.study(moved["text"]), moved, note)
    assert (case["answer"], case["foil"], case["premise"]) == (" Francisco", " Diego", "true")
    assert "compared with itself" not in case["note"]


def test_what_is_shared_is_gone_on_with_though_the_model_says_another(embedded_subject):
    asked = question(TEXT, "San Francisco", "San Diego")
    moved, note, shares = to_where_it_falls(Studies(embedded_subject), asked)
    assert moved["text"] == f"{TEXT} San"
    assert "the model by itself says" in note
    assert [percent(share) in note for share in shares] == [True, True]


def test_numbers_of_several_digits_part_at_the_digit_that_differs(embedded_subject):
    text = "Question: how much is 90 plus 5? Answer: 90 + 5 ="
    moved, note, _ = to_where_it_falls(Studies(embedded_subject), question(text, "95", "94"))
    assert moved["text"].endswith("9")
    assert (moved["said"], moved["foil"]) == ("5", "4")
    assert note.startswith("They share “")
    assert note.endswith("what decides is “5” against “4”.")


def test_an_answer_alone_is_explained_where_it_was_least_certain(embedded_subject):
    text = "The Golden Gate Bridge is in the city of"
    moved, note, shares = to_where_it_falls(Studies(embedded_subject), question(text, "San Francisco"))
    assert [percent(share) in note for share in shares] == [True, True]
    assert (moved["text"], moved["said"]) == (text, " San")
    assert "“ San” (" in note
    assert "the least likely is “ San”" in note


def test_what_comes_behind_a_space_is_explained(embedded_subject):
    studies = Studies(embedded_subject)
    moved, note, shares = to_where_it_falls(studies, question("7 + 5 ="))
    assert moved["text"].startswith("7 + 5 = ")
    assert moved["said"] is None
    assert note.startswith("It first says a space (")
    assert note.endswith("that token is looked at.")
    assert all(percent(share) in note for share in shares)
    case = settle_case(studies.study(moved["text"]), moved, note)
    assert case["answer"].isdigit()
    assert "ends with a space" not in case["note"]


def test_a_foil_alone_is_gone_along_with_as_far_as_the_model_goes(embedded_subject):
    text = "The Golden Gate Bridge is in the city of"
    moved, note, _ = to_where_it_falls(Studies(embedded_subject), question(text, None, "San Diego"))
    assert (moved["text"], moved["foil"]) == (f"{text} San", " Diego")
    assert (
        note == "They share “ San”, which the model does say; what decides is “ Francisco” against “ Diego”."
    )


def test_a_mistyped_word_gets_a_proposal(embedded_subject):
    text = "The Golden Gate Bridge is in the city of"
    for said, meant in (("San Fransisco", "San Francisco"), ("Fransisco", None)):
        asked = question(text, said)
        if meant is None:
            to_where_it_falls(Studies(embedded_subject), asked)
            continue
        with pytest.raises(QuestionError, match=f"Did you mean “{meant}”"):
            to_where_it_falls(Studies(embedded_subject), asked)


@pytest.mark.parametrize(("said", "foil"), [("Austin", "Dallas"), (None, "Dallas")])
def test_what_parts_at_once_is_left_as_it_is(embedded_subject, said, foil):
    asked = question(TEXT, said, foil)
    assert to_where_it_falls(Studies(embedded_subject), asked) == (asked, "", ())


def test_bytes_are_told_as_bytes():
    assert spell_bytes("<0xF0>") == "<0xF0>"
    assert spell_bytes("ĠðŁ") == " <0xF0><0x9F>"
    assert spell_bytes("Ġthe") == " the"
    assert spell_bytes("▁the") == ""


def test_a_part_of_a_character_is_placed_in_its_character():
    tokens = ["I", " ", "<0xF0>", "<0x9F>", "<0xA4>", "<0xB7>", " go"]
    assert joined(tokens) == "I 🤷 go"
    assert quote_token_at(tokens, 3) == "“🤷, part 2 of 4”"
    assert quote_token_at(["<0xF0>", " go"], 0) == "“<0xF0>”"
    assert quote_token_at(["日", "本"], 0) == "“日”"


def test_no_token_of_the_embedded_model_is_a_sign_for_nothing(embedded_subject):
    ids = embedded_subject.encode("a 🤷🏽‍♂️ 日本語 🫠𒀀", 64).tolist()
    texts = embedded_subject.token_texts(ids)
    assert not any("�" in text for text in texts)
    assert joined(texts[1:]) == "a 🤷🏽‍♂️ 日本語 🫠𒀀"


def test_a_model_without_a_begin_token_takes_its_text_as_it_is(tiny):
    from tests_support import tiny_subject

    subject = tiny_subject(tiny, "llama")
    assert words_tokenizer().bos_token is None
    assert subject.pasted_bos("<bos>w1 w2") == ""
    assert len(subject.encode("w1 w1 w2", 9)) == 3


@pytest.mark.parametrize("typed", ["austin", "Houston".lower()])
def test_a_word_that_is_taken_for_another_spelling_is_told(embedded_subject, typed):
    study = Study(embedded_subject, "Fact: the capital of Texas is", 64)
    note = settle_case(study, question(study.text, foil=typed))["note"]
    assert f"“{typed}” is taken for “{typed.capitalize()}”." in note
    assert "is taken for" not in settle_case(study, question(study.text, foil=typed.capitalize()))["note"]


def test_accents_typed_apart_are_taken_for_the_letter_and_told(embedded_subject):
    study = Study(embedded_subject, "The capital of Brazil used to be", 64)
    apart = "S\u0061\u0303o"  # a, then a tilde
    case = settle_case(study, question(study.text, foil=apart))
    assert case["foil"] == " São"
    assert "“São” was typed with accents apart from their letters; it is taken as one." in case["note"]


def test_a_backslash_and_an_n_are_told_and_offered_as_a_line_break(embedded_subject):
    typed = "one\\ntwo\\nthree\\n"
    case = settle_case(Study(embedded_subject, typed, 64), question(typed))
    assert case["text"] == typed  # what is given is what is traced
    assert (
        "holds “\\n” as it stands, sign for sign. If a line break is meant, say “with line breaks”"
        in case["note"]
    )
    before = {"intent": "why", "text": typed, "said": None, "foil": " four", "maybe": None}
    assert list_choices(before) == ["With line breaks"]
    for reply in ("With line breaks", "i meant line breaks", "yes, with real line breaks please."):
        asked = parse_question(reply, has_graph=True, before=before)
        assert (asked.text, asked.foil) == ("one\ntwo\nthree\n", " four")
    assert parse_question("With line breaks", has_graph=True, before={"text": "one"}).text != "one"
    assert list_choices({"text": "one\ntwo", "maybe": None}) == []
    assert with_line_breaks(r"C:\\new \t a\r\nb") == "C:\\\\new \t a\nb"


@pytest.mark.slow  # those of another note do in test_session.py
def test_numbers_of_a_note_on_several_tokens_stand_in_the_answer(desk):
    session = Session(desk, "95", "one-shot")  # which tests nothing: the note is what this is about
    report = collect_report(session.ask("", text="36+59=", said="95", foil="94"))
    assert report["answer"]["refused"] == []
    assert "They share “9” (" in report["answer"]["markdown"]
