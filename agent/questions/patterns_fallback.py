"""What gives a question away where no phrase fits it, and what may stand around one."""

import re
from functools import cache

from agent.core import Intent
from agent.questions.pattern_dsl import compile_phrase

# Tried last, and only on what is plainly a question or an order: a word gives it away.
LOOSE: list[tuple[Intent, list[str]]] = [
    (Intent.MAKE, [
        r".*\b(?:would|could|must|might|has to|needs?|change|convince|persuade|trick)\b.* {it} (?:to"
            r" )?{say} <foil>",
        r".*\b(?:would|could|must|might|has to|needs?|change)\b.* {answer} (?:to be|to become|be"
            r"|become) <foil>",
    ]),
    (Intent.WHY_NOT, [
        r"(?:why|how come|what)\b.*(?:\bnot|n't|\brefus\w*)(?: to)?(?: {it})? {say} <foil>",
    ]),
    (Intent.WHY, [
        r"(?:.*\b)?{it} {say} <said>",
        r"{why} .* (?:sure|certain|convinced|confident) (?:that |of |about )?(?:(?:it|{answer})(?: is"
            r"|'s) )?<said>",
    ]),
    (Intent.SWAP, [r".*\b(?:swap|replac|exchang)\w* <group> (?:for|by|with) <other>"]),
    (Intent.INTERVENE, [
        r".*\b{verb} (<group>{ref})\b.*",
        r".*\bif (<group>{ref}) (?:is|was|were|gets?|got)(?: \w+)? {verb}\b.*",
    ]),
    (Intent.COMPARE, [
        r".*\b(?:compar\w+|differ\w*|same|similar|unlike|like)\b.*(<other>{q})",
        r"{aux} (<other>{q}) .*\bsame\b.*",
    ]),
    (Intent.EVIDENCE, [
        r".*\b(?:evidence|proof|prove|support|test|measure)\w*\b.* {sentence} (<other>{number})\b.*",
        r".*\b(?:evidence|proof|prove|proven)\b.*",
    ]),
    (Intent.SURE, [
        r".*\b(?:sure|certain|certainty|confident|confidence|trust|reliable|reliably|you be wrong|you"
            r" wrong)\b.*",
    ]),
    (Intent.MISTAKE, [r".*\b(?:mistake|mistaken|wrong|error|incorrect|fail|fails|failed|failure)\b.*"]),
    (Intent.HOLDS, [
        r".*\b(?:for|on|with|to|about|of) (?:the )?(?:other|different) (<other>\S+(?: \S+)?)",
        r".*\b(?:generali\w*|how general)\b.*",
    ]),
    (Intent.SEARCH, [
        r"(?:find|search|show|list|look|which|what|are there|is there)\b.*{features} (?:.* )?(?:about"
            r"|for|to|like|on|with|of) <other>",
    ]),
    (Intent.NODE, [
        r"(?:what|which|who|when|tell|explain|describe|how)\b.*?\b(<group>s\d+"
            r"|l\d+[./]?[nf]\d+[+-]?)(?:\W.*)?",
        r"(?:what|which|tell|explain|describe)\b.* (?:the|this|that) (<group>.{1,30}) (?:group"
            r"|supernode)\b.*",
    ]),
    (Intent.PATH, [
        r".*\bfrom <group> to <other>",
        r".*\b(?:path|route|circuit|mechanism|pathway)s?\b.*",
    ]),
    (Intent.WORDS, [r".*\b(?:which|what|important|relevant|influential)\b.* (?:words?|tokens?)\b.*"]),
]  # fmt: skip

# What may stand around a question that names its text; the slot `rest` is the question.
FRAMES = [
    r"(?:(?:for|in|given|after|with|about|take|considering|regarding|on|here's|here is|(?:when|if"
        r"|suppose) (?:i|you|we|it|they) \w+(?: it| in)?)(?: {the}{text_word})?:? )?(<text>{q})(?:"
        r" ?[,:;.–—-]+)? (<rest>(?:and )?(?:why|how|what|which|is|does|did|where|explain)\b.+)",
    r"(?!explain\b)<text> ?[:;–—-]+ ?(<rest>why\b.+)",
    r"<rest>,? (?:in|after|for|on|given|following)(?: {the}{text_word})?:? (<text>{q})",
    r"<rest>,? (?:when|if|where) {the}{text_word} (?:is|was|says|reads):? (<text>{q})",
    r"(<rest>.+(?:answer|repl|respon|react|say).+) to(?: {the}{text_word})?:? (<text>{q})",
    r"<rest>,? (?:in|after|for|given|following)(?: {the}{text_word}:)? (<text>(?-i:[A-Z])\S*(?: \S+){2,})",
]  # fmt: skip

POLITE_START = (
    r"(?:(?:hey|hi|hello|yo|ok|okay|so|and|but|now|well|then|also|right|great|please|pls|plz|just|actually"
    r"|hm+|um+"
    r"|yes|no|alright|thanks|btw|oh|ah|cool|wait|hold on|hang on|sorry"
    r"|uh+|erm?|bro|dude|man)\b[,!.:]? |(?:can|could|would|will) (?:you"
    r"|we) (?!be\b)(?:please |maybe "
    r"|also |try to )*"
    r"(?:(?:tell|show|explain to) (?:me|us) (?={w}))?|(?:i|we)(?:'d| would)? (?:really )?(?:like|want|need"
    r"|love) to (?:(?:know|understand|see|learn|ask|find out|hear) )?|tell (?:me|us) (?={w})"
    r"|(?:walk|take|guide|talk) (?:me|us) through (?={w})|explain (?:me|us)(?: please)? (?={w})"
    r"|help (?:me|us) (?:to )?understand (?={w})"
    r"|explain(?: to me)?:? (?={w})|do you know |any idea |i (?:wonder|am wondering|don't (?:understand"
    r"|get)) |please |(?:my |one |a |the |another )?question: )"
).replace("{w}", r"(?:why|how|what|which|if|where)\b")
POLITE_END = (
    r"(?:,? (?:please|pls|plz|thanks|thx|ty|thank you|exactly|for me|though|anyway|imo|lol|btw|mate"
    r"|bro|or what|or not|or something|tho)|[\s?!.…]+)"
)

UNFINISHED = re.compile(
    r"(?:\b(?:the|a|an|my|your|his|her|our|their|its|is|are|was|were|be|been|has|have|had|will|would"
    r"|can|could|should|of|and|or|but|to|in|on|at|by|with|from|for|as|than|that|because|if)|[:=,(\"])\s*$",
    re.I,
)
ASKS = re.compile(r"\s*(?:show me (?:what|which|how)|what|where|how|which|who|why|does|do|is|are)\b", re.I)
ON_THE_SCREEN = re.compile(r"\?\s*$|\b(?:group|node|feature|[sl]\d+|this|it)\b", re.I)
TALK = (
    r"(?:hello|hi|hey|thanks?|thx|ok|okay|yes|no|cool|great|nice|bye|good (?:morning|evening|night)"
    r"|sorry|wow|lol|never ?mind|stop)\b.{0,30}"
    r"|(?:who|what|when|where|why|how|which|whose)(?:'s|s|'re)?(?: (?:is|are|was|were|do|does|did"
    r"|can|could|would|will|should|has|have|many|much|old|long|far|about|am|the))\b.*"
    r"|(?:tell|give|show|write|send|teach|help|find|list) (?:me|us|a|an|all|any|the) .*|\w+ me (?:a|an"
    r"|some) .*"
    r"|(?:can|could|do|are|will|would|have) (?:you|i|we) .*"
)


@cache
def compile_loose_patterns() -> list[tuple[Intent, list[re.Pattern[str]]]]:
    """The words that give a question away, ready to match."""
    return [(intent, [compile_phrase(phrase) for phrase in phrases]) for intent, phrases in LOOSE]
