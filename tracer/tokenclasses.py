"""What kind of thing a token is (case, digits, punctuation, script, part of a word) and a text (language)."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORDS = {
    "articles and demonstratives": "a an the this that these those",
    "personal pronouns": "i you he she it we they me him her us them myself himself herself itself "
    "themselves",
    "possessives": "my your his its our their whose mine yours hers ours theirs",
    "prepositions": "of in on at by for with from to into onto over under between among through "
    "during against about above below within without towards toward upon across along "
    "around near beside behind beyond",
    "conjunctions": "and or but nor so yet because although though while whereas if unless until since when",
    "forms of be, have and do": "be is am are was were been being have has had having do does did doing done",
    "modal verbs": "can could may might must shall should will would cannot",
    "question words": "who what which when where why how whom whose whether",
    "negations": "not no never none neither nor nothing nobody nowhere without n't",
    "quantity words": "all any both each every few many more most much other several some such enough half",
    "number words": "one two three four five six seven eight nine ten eleven twelve twenty thirty forty "
    "fifty hundred thousand million billion first second third fourth fifth dozen",
    "months": "january february march april june july august september october november december",
    "days of the week": "monday tuesday wednesday thursday friday saturday sunday",
    "units of measure": "km m cm mm kg g lb miles mile feet inches metres meters kilometers sq percent tons "
    "hours minutes seconds days weeks months years degrees",
    "Python keywords": "def class import from return self None True False elif lambda except try raise yield",
}
_SCRIPTS = ("CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "GUJARATI",
            "GURMUKHI", "THAI", "HANGUL", "HIRAGANA", "KATAKANA", "CJK")  # fmt: skip
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
    "line breaks": r"\n+",
    "indentation": r"[ \t]{2,}",
    "tags of markup": r"\s?</?[a-z]+>?",
    "words with -ing": r"\s[a-z]+ing",
    "words with -ed": r"\s[a-z]+ed",
    "words with -ly": r"\s[a-z]+ly",
    "words with -tion or -ment": r"\s[a-z]+(?:tion|ment|ness|ity)s?",
    "plural-like words with -s": r"\s[a-z]{3,}[^s\W]s",
}

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


def token_classes(texts: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """For each class, which of these token texts are in it; classes overlap."""
    out: dict[str, NDArray[np.bool_]] = {}
    for name, pattern in _SHAPES.items():
        match = re.compile(pattern).fullmatch
        out[name] = np.array([match(text) is not None for text in texts])
    for name, words in _WORDS.items():
        wanted = set(words.split())
        out[name] = np.array([text.strip() in wanted or text.strip().lower() in wanted for text in texts])
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
