"""Ways to ask what the model has in mind, where, and for the same answer in another length. Tried first.

Written as in `patterns`.
"""

from agent.core import Intent

_THINK = r"(?:think(?:s|ing)?|have|has|having|hold(?:s|ing)?|keep(?:s|ing)?)"
_MIND = r"(?:in mind|on its mind|in its head)"
_CONCEPTS = r"(?:concepts?|ideas?|thoughts?)"
_WAY = r"(?: (?:on the way|along the way|in between|in the middle|at some point|anywhere|inside|first))?"
_LAYER = r"(?:(?:at|in|by|from|until|after|behind|since) )?(?:which|what) layers?"
_IT = r"(?:it|(?:the|this) (?:answer|explanation|same))"

CONCEPTUAL: list[tuple[Intent, list[str]]] = [
    (Intent.CONCEPTS, [
        rf"{{aux}} {{it}} (?:ever |really |actually )?think (?:of|about) <other>{_WAY}"
            r"(?: (?:at|on|in|by) (?:the word )?<group>)?",
        rf"{{aux}} {{it}} (?:have|hold|keep) <other> {_MIND}{_WAY}(?: (?:at|on|in) (?:the word )?<group>)?",
        r"{aux} {it} (?:go|pass|come|get there|arrive) (?:through|via|by way of|by) <other>",
        r"where {aux} {it} (?:know|realise|realize|find out|work out|figure out|notice|see|learn) (?:that )?"
            r"(?:it|this|that|he|she|they) (?:is|was|are|were|has to be|must be) (?:about |in )?<other>",
        rf"where {{aux}} {{it}} (?:think of|think about|have|hold) <other>(?: {_MIND})?",
        r"what {aux} {it} (?:think|thinking)(?: (?:of|about))? (?:at|on|by|with|when (?:it )?reads?"
            r"|when reading) (?:the (?:word|token) )?<group>",
        rf"what (?:is|was|does|did) {{it}} {_THINK}(?: (?:of|about))?(?: {_MIND})?(?: (?:at|on|by|with)"
            r" (?:the (?:word|token) )?<group>)?",
        rf"(?:which|what) {_CONCEPTS} (?:{{aux}}|are|is) (?:{{it}} |there |read |held |active )*(?:{_THINK}"
            rf"|use|using|see|read)?(?: {_MIND})?(?: (?:at|on|in|by) (?:the (?:word|token) )?<group>)?",
        rf"(?:show |list |give )(?:me )?(?:the |its |all )?{_CONCEPTS}(?: (?:at|on|in|by) (?:the (?:word"
            r"|token) )?<group>)?",
    ]),
    (Intent.SWAP, [
        r"(?:swap|replac|exchang|switch|chang|substitut)(?:e|ed|ped|d|ing|ping)?(?: out)? <group> (?:for|by"
            r"|with) <other> (?:at|on) (?:the (?:word|token) )?(<at>{q}(?: \(t\d{1,4}\))?)",
    ]),
    (Intent.LAYER, [
        rf"{_LAYER} (?:{{aux}} )?(?:{{it}} )?(?:first )?(?:know|knows|find|finds|have|has|decide|decides)"
            r"(?: (?:the|its) answer| it)?(?: first| already)?",
        rf"{_LAYER} {{aux}} {{it}} (?:know|decide|settle on|find)(?: (?:the|its) answer| what to say)?"
            r"(?: first)?",
        rf"{_LAYER} .{{0,60}}\b(?:settled|decided|known|fixed|clear|final|certain|chosen|locked in|made up)"
            r"(?: .{0,40})?",
        r"(?:when|where|how (?:early|late|deep)) {aux} {it} (?:first )?(?:know|decide(?: on)?|settle on|find)"
            r" (?:the|its) answer(?: first)?",
    ]),
    (Intent.LENGTH, [
        rf"(?:(?:say|explain|tell me|put|give me|summari[sz]e|sum up) (?:{_IT} ?(?:up )?)?)?(?:in|with|as) "
            r"(?:just |only |a |one |a single )*(<other>sentence|line)",
        rf"(?:explain|say|tell me|put) ?(?:{_IT} )?(?:more |very |again )*(<other>simply|simpler|plainly)"
            r"(?: please)?",
        rf"(?:explain|say|put|tell me) ?(?:{_IT} )?(?:in|with) (?:more )?(<other>simple|plain|easy) (?:words"
            r"|terms|language|english)",
        rf"(?:explain|say|tell me|show me|give me|show)? ?(?:{_IT} )?(?:in|with|the|all(?: the)?|more) ?"
            r"(?:full |more |all |every |the )*(<other>details?)",
        r"(?:(?:too|shorter|make it) )?(<other>shorter|short)(?: please)?",
    ]),
]  # fmt: skip
LENGTHS = {"sentence": "line", "line": "line", "short": "line", "shorter": "line"}
LENGTHS |= dict.fromkeys(("simply", "simpler", "plainly", "simple", "plain", "easy"), "simply")
LENGTHS |= dict.fromkeys(
    ("detail", "details", "detailed", "depth", "longer", "long", "thorough", "thoroughly"), "detail"
)
LENGTHS |= dict.fromkeys(
    ("more", "deeper", "elaborate", "vague", "everything you have", "everything you know"), "detail"
)
LENGTHS |= dict.fromkeys(("table", "tabular form", "columns"), "table")
LENGTHS |= dict.fromkeys(
    ("sentences", "lines", "words", "word", "tweet", "nutshell", "brief", "briefly", "concise"), "line"
)
LENGTHS |= dict.fromkeys(
    ("concisely", "quickly", "to the point", "summary", "summarise", "summarize", "tldr"), "line"
)
LENGTHS |= dict.fromkeys(
    ("tl;dr", "tl dr", "long-winded", "wordy", "much", "summarized", "succinct", "succinctly"), "line"
)
