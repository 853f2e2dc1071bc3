"""What kind of thing a token is (case, digits, punctuation, script, part of a word) and a text (language)."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORDS = {
    "articles and demonstratives": "a an the this that these those",
    "personal pronouns": (
        "i you he she it we they me him her us them myself himself herself itself themselves"
    ),
    "possessives": "my your his its our their whose mine yours hers ours theirs",
    "prepositions": (
        "of in on at by for with from to into onto over under between among through during against about "
        "above below within without towards toward upon across along around near beside behind beyond"
    ),
    "conjunctions": (
        "and or but nor so yet because although though while whereas if unless until since when"
    ),
    "forms of be, have and do": (
        "be is am are was were been being have has had having do does did doing done"
    ),
    "modal verbs": "can could may might must shall should will would cannot",
    "question words": "who what which when where why how whom whose whether",
    "negations": "not no never none neither nor nothing nobody nowhere without n't",
    "quantity words": "all any both each every few many more most much other several some such enough half",
    "number words": (
        "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred "
        "thousand million billion first second third fourth fifth dozen"
    ),
    "months": "january february march april june july august september october november december",
    "days of the week": "monday tuesday wednesday thursday friday saturday sunday",
    "names of countries": (
        "afghanistan albania algeria angola argentina armenia australia austria azerbaijan bahamas "
        "bahrain bangladesh belarus belgium belize bolivia bosnia botswana brazil britain brunei bulgaria "
        "burma burundi cambodia cameroon canada chad chile china colombia congo croatia cuba cyprus "
        "denmark ecuador egypt england eritrea estonia ethiopia fiji finland france gabon gambia georgia "
        "germany ghana greece greenland guatemala guinea guyana haiti honduras hungary iceland india "
        "indonesia iran iraq ireland israel italy jamaica japan jordan kazakhstan kenya korea kosovo "
        "kuwait laos latvia lebanon liberia libya lithuania luxembourg macedonia madagascar malawi "
        "malaysia mali malta mauritania mauritius mexico moldova mongolia montenegro morocco mozambique "
        "namibia nepal netherlands nicaragua niger nigeria norway oman pakistan palestine panama paraguay "
        "peru philippines poland portugal qatar romania russia rwanda samoa scotland senegal serbia "
        "singapore slovakia slovenia somalia spain sudan sweden switzerland syria taiwan tajikistan "
        "tanzania thailand togo tonga tunisia turkey turkmenistan uganda ukraine uruguay uzbekistan "
        "venezuela vietnam wales yemen zambia zimbabwe"
    ),
    "nationalities and languages": (
        "african american arab arabic asian australian austrian belgian bengali brazilian british "
        "bulgarian canadian catalan chinese croatian cuban czech danish dutch egyptian english european "
        "finnish french german greek hebrew hindi hungarian icelandic indian indonesian iranian iraqi "
        "irish israeli italian japanese jewish korean latin mexican mongolian norwegian ottoman "
        "palestinian persian polish portuguese roman romanian russian scottish serbian slovak slovene "
        "somali soviet spanish swedish swiss syrian thai turkish ukrainian vietnamese welsh"
    ),
    "colours": (
        "red green blue yellow white black brown grey gray orange purple pink golden silver violet scarlet"
    ),
    "family members": (
        "mother father son daughter brother sister wife husband child children parent parents uncle aunt "
        "cousin nephew niece grandfather grandmother baby twin widow spouse"
    ),
    "parts of the body": (
        "head hand hands foot feet eye eyes ear nose mouth arm arms leg legs face heart blood bone bones "
        "skin hair brain neck finger fingers tooth teeth tongue liver stomach chest shoulder knee throat "
        "muscle"
    ),
    "adverbs of degree": (
        "very so too quite rather more most less least much almost nearly fully completely highly "
        "extremely largely mostly partly especially particularly"
    ),
    "units of measure": (
        "km m cm mm kg g lb miles mile feet inches metres meters kilometers sq percent tons hours minutes "
        "seconds days weeks months years degrees"
    ),
    "Python keywords": (
        "def class import from return self None True False elif lambda except try raise yield"
    ),
}
_SCRIPTS = ("CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "GUJARATI",
            "GURMUKHI", "THAI", "HANGUL", "HIRAGANA", "KATAKANA", "CJK")  # fmt: skip
UNCOMMON = 1e-5  # share of the tokens of a corpus
_SHAPES = {
    "digits": r"\s*\d+",
    "capitalised words": r"\s[A-Z][a-z]+",
    "words in capitals": r"\s?[A-Z]{2,}",
    "single capital letters": r"\s?[A-Z]",
    "words in small letters": r"\s[a-z]+",
    "ends of words": r"[a-z]+",
    "parts of words that begin with a capital": r"[A-Z][a-z]+",
    "letters with accents": r"\s?[a-zA-Z]*[à-ÿœßāăąćčďđēęěğīłńňőřśşšťůűźżžơưạ-ỹ][a-zà-ỹ]*",
    "commas": r"\s*,",
    "full stops": r"\s*\.",
    "semicolons and colons": r"\s*[;:]",
    "question and exclamation marks": r"\s*[?!]+",
    "quotation marks": r"\s*[\"“”‘’«»„'`]+",
    "opening brackets": r"\s*[(\[{<]+",
    "closing brackets": r"[)\]}>]+[,.;:]*",
    "hyphens and dashes": r"\s*[-–—]+",
    "slashes and underscores": r"\s*[/\\_|]+",
    "operators": r"\s*[=+*<>!&^%~-]{1,3}",
    "punctuation": r"\s*[^\w\s]+\s*",
    "Latin letters": r"\s?[A-Za-zÀ-ÿĀ-ſ]+",
    "whole words": r"\s[^\W\d_]{2,}",
    "white space": r"\s+",
    "line breaks": r"\n+",
    "indentation": r"[ \t]{2,}",
    "tags of markup": r"\s?</?[a-z]+>?",
    "words with -ing": r"\s[a-z]+ing",
    "words with -ed": r"\s[a-z]+ed",
    "words with -ly": r"\s[a-z]+ly",
    "words with -tion or -ment": r"\s[a-z]+(?:tion|ment|ness|ity)s?",
    "plural-like words with -s": r"\s[a-z]{3,}[^s\W]s",
}

GRAMMAR = frozenset(
    word
    for name in (
        "articles and demonstratives", "personal pronouns", "possessives", "prepositions", "conjunctions",
        "forms of be, have and do", "modal verbs", "question words", "negations", "quantity words",
        "adverbs of degree",
    )
    for word in _WORDS[name].split()
)  # fmt: skip
BEGINNINGS = {"<bos>", "<s>", "<|begin_of_text|>", "<|endoftext|>"}
_LANGUAGES = {
    "ar": "Arabic", "as": "Assamese", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "gu": "Gujarati",
    "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "lv": "Latvian", "nl": "Dutch", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese",
    "ru": "Russian", "sv": "Swedish", "ta": "Tamil", "te": "Telugu", "tr": "Turkish", "uk": "Ukrainian",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_CODE = {"c", "go", "javascript", "python", "rust", "html"}


def text_classes(sources: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """For each kind of text, which sources are of it, by their names: handbook-fr, python."""
    kinds = [_text_kind(source) for source in sources]
    return {kind: np.array([k == kind for k in kinds]) for kind in sorted(set(kinds) - {""})}


def _text_kind(source: str) -> str:
    if source in _CODE:
        return "program code"
    _, dash, code = source.partition("-")
    return f"{_LANGUAGES[code[:2]]} text" if dash and code[:2] in _LANGUAGES else ""


def token_classes(
    texts: Sequence[str], shares: NDArray[np.floating[Any]] | None = None
) -> dict[str, NDArray[np.bool_]]:
    """For each class, which of these token texts are in it; classes overlap.

    `shares` are their shares of a corpus: where they are given, letters that are seldom seen are a class too.
    """
    out: dict[str, NDArray[np.bool_]] = {}
    if shares is not None:
        letters = np.array([re.fullmatch(r"\s?[^\W\d_]{2,}", text) is not None for text in texts])
        out["uncommon words and parts of words"] = letters & (shares < UNCOMMON)
    for name, pattern in _SHAPES.items():
        match = re.compile(pattern).fullmatch
        out[name] = np.array([match(text) is not None for text in texts])
    for name, words in _WORDS.items():
        wanted = set(words.split())
        out[name] = np.array([text.strip() in wanted or text.strip().lower() in wanted for text in texts])
    out["the beginning of the text"] = np.array([text in BEGINNINGS for text in texts])
    script = np.array([_script(text) for text in texts])
    for name in _SCRIPTS:
        out[f"{name.capitalize() if name != 'CJK' else 'Chinese'} letters"] = script == name
    return out


def _script(text: str) -> str:
    for c in text:
        if ord(c) > 0x36F:
            name = unicodedata.name(c, "")
            return next((script for script in _SCRIPTS if name.startswith(script)), "")
    return ""
