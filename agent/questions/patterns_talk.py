"""Ways to speak of the conversation itself: go back, save, how it is told, what a word of the method means.

Tried before all others, and only on messages without a quoted text. Written as in `patterns`.
"""

import re
from functools import cache

from agent.core import Intent

_LAST = (
    r"(?:it|that|this|things?|everything|(?:the|that|my) (?:last|previous) (?:one|step|change|thing"
    r"|question|text))"
)
_OOPS = r"(?:(?:oops|ups|whoops|sorry|argh|damn|no+|wait|hm+|oh|ah|ok(?:ay)?|actually|pls|please|nvm),? )*"
_ORD = r"(?:first|second|third|last|previous|earlier|original|old|other|starting)"
_WHICH = rf"(?:the |that |my |our )?{_ORD} (?:one|text|sentence|question|prompt|example|answer|case)"
_MADE = (
    r"(?:graph|circuit|answers?|report|results?|drawing|picture|image|conversation|chat|table|evidence"
    r"|numbers|whole thing"
    r"|explanation|features?|claims?|tests?|findings|history|session|data|file)"
)
_KIND = (
    r"(?:pdf|json|csv|html?|png|svg|file|files|markdown|md|txt|text|word|notebook|bundle|link|excel"
    r"|xlsx|image|picture|latex)"
)
_IT = (
    r"(?:it|that|this|(?:the|this|that|your) (?:answer|explanation|same|whole thing|last part|above)"
    r"|everything)"
)
_TELL = (
    r"(?:say|explain|tell me|tell|put|give me|give|show me|show|describe|summari[sz]e|sum up|rephrase"
    r"|reword|write|repeat|make|do|answer)"
)
_CAN = (
    r"(?:(?:can|could|would|will) (?:you|u|we) |(?:i(?:'d| would)? (?:like|want|need) (?:you to )?)"
    r"|let's (?:have|see) |now )*"
)
_YOUNG = (
    r"(?:like (?:i'?m|im|i am|i was|to) (?:a |an )?(?:5|five|six|ten|child|kid|idiot|dummy|beginner"
    r"|new\b|\d+).{0,20}"
    r"|(?:to|for) (?:a |an |my )?(?:\d+|five|six|seven|eight|nine|ten|twelve)[- ]?(?:years?|yrs?"
    r"|yo)\b.{0,12}"
    r"|(?:to|for) (?:a |an |my |some )?(?:child|kid|children|kids|beginners?|layman|laymen|laypersons?"
    r"|lay people|grandma|grandmother"
    r"|grandpa|mom|mum|dad|boss|manager|student|students|pupils?|dummies|non-?experts?"
    r"|non-?technical .{0,20}|normal people"
    r"|school ?(?:kid|child)|idiots?|newbie|noob|(?:high )?school .{0,12}|teenager|freshman"
    r"|someone .{0,40}|somebody .{0,40}))"
)
_LANGUAGES = (
    r"(?:german|deutsch|spanish|español|espanol|castellano|french|français|francais|chinese|mandarin"
    r"|italian|portuguese"
    r"|dutch|polish|russian|japanese|korean|arabic|turkish|hindi|swedish|danish|english|ukrainian|czech"
    r"|greek|hebrew)"
)
_TERM = (
    r"(?:logits?|logit (?:difference|lens)|leads?|concepts?|concept lens|lens|features?|neurons?|groups?"
    r"|super ?nodes?|attribution"
    r"(?: graphs?)?|graphs?|circuits?|predictions?|tests?|controls?|supported|refuted|inconclusive|partly"
    r"|p-?values?|p|verdicts?"
    r"|transcoders?|foils?|completeness|replacement|unexplored|influence|premises?|tokens?|layers?"
    r"|attention|(?:attention )?heads?"
    r"|residual stream|stream|swaps?|ablations?|removals?|holm|claims?|ledger|suites?|bundles?|nodes?|edges?"
    r"|knock-?on|errors?|labels?"
    r"|embeddings?|softmax|probabilit(?:y|ies)|steering|an intervention|interventions?|induction heads?"
    r"|mlps?|random groups?"
    r"|matched (?:controls|random parts)|coherence|gemma)"
)
_ASKS_MEANING = re.compile(r"\b(?:mean(?:s|t|ing)?|defin\w+|stands? for|understand (?:by|under))\b", re.I)
_LAYER = r"(?:layers?|lay+er|block) ?#? ?(<layer>\d{1,3})"
_AT = r"(?: (?:at|on|in|for|by|of) (?:the )?(?:word |token |position )?<group>)?"
_HAPPENS = (
    r"(?:what(?:'s|s| is| does| are| do)?|show me|show|explain|describe|tell me)(?: (?:what(?:'s|s| is)?"
    r"|about|it|the model|does it"
    r"|is it|it does|model|go(?:es|ing)|on|do(?:es|ing)?|ha[p]+ens?|ha[p]+ening|thinks?|thinking|is|there"
    r"|see|sees|read|held|in mind"
    r"|have|has|know|knows|of|computed?|concepts?|active|to))*"
)
TERMS = frozenset(
    {"answer", "compare", "controls", "double", "evidence", "explain", "export", "feature", "group",
     "halve", "happen", "happens", "head", "heads", "layer", "matter", "matters", "neuron", "path",
     "question", "remove", "replace", "save", "sentence", "shorter", "simpler", "simply", "strongest",
     "swap", "table", "thinking", "token", "undo", "word"}
)  # fmt: skip

KINDS, LANGUAGE, METHOD_TERM = _KIND, _LANGUAGES, _TERM  # also found in what no phrase fits

TALK: list[tuple[Intent, list[str]]] = [
    (Intent.UNDO, [
        rf"{_OOPS}(?:undo|un-?do|ctrl[ +-]z|revert|roll ?back)(?: {_LAST})?",
        rf"{_OOPS}(?:let's |let us |can (?:we|you|i) |could (?:we|you) |i want to )?(?:(?:go|get|come|step"
            rf"|jump|switch"
            r"|return|take (?:me|us)|bring (?:me|us)|move)(?: (?:me|us))? )?back(?: again)?"
            r"(?: to(?: (?:the|my|our))? (<other>[^;?!]{1,80}?))?(?: again)?",
        rf"{_OOPS}(?:return|switch|jump|revert) to (?:the )?(<other>[^;?!]{{1,80}}?)(?: again)?",
        rf"{_OOPS}(?:take|bring|get|go|jump|switch)(?: me| us)? to (?:the|that|our|my) (?:one|text|sentence"
            r"|example|question)(?: (?:about|with|on|of))?"
            r" (<other>(?!(?:we|i|you|before|from|that)\b)[^;?!]{1,80}?)(?: again)?",
        rf"{_OOPS}(?:i (?:meant|mean|want) )?(<other>{_WHICH})(?: again| please)?",
        rf"{_OOPS}(?:put|set|bring|get|make|change|turn) {_LAST} back(?: (?:to|as|like|how|the way)\b.*"
            rf"| again)?",
        rf"{_OOPS}(?:restore|reset|reinstate) (?:{_LAST}|(?:the )?(<other>{_WHICH}|\S+))",
        rf"{_OOPS}(?:forget|never ?mind|scrap|discard|cancel|ignore|scratch|take back) (?:about )?{_LAST}",
        rf"{_OOPS}(?:that(?:'s| is| was|s) |this (?:is|was) )?not what i (?:meant|asked|wanted"
            rf"|said)(?: .*)?",
        rf"{_OOPS}(?:i )?did(?:n't|nt| not) (?:mean|want|ask for) (?:that|this|it)(?: .*)?",
        rf"{_OOPS}(?:that(?:'s| is| was|s) )?(?:my (?:mistake|bad)|a (?:typo|mistake))[,;.! ]*(?:go back"
            rf"|undo|back)(?: .*)?",
    ]),
    (Intent.EXPORT, [
        r".{0,40}\b(?:need|want|like|get|have|send me|give me)\b.{0,12} (?:a |the )?(?:copy|download|file"
            r"|printout|backup|pdf|export)"
            r" (?:of|with|for) .{1,60}",
        rf"{_CAN}(?:save|export|download|store|archive|dump|share|print(?: out)?|write out)(?: me| us)?"
            rf"(?: (?:{_LAST}|(?:all |all of )?(?:the|this|that|my|your|these|those|a) (?:\w+ )?{_MADE}))*"
            rf"(?: (?:as|to|in|into|for|with|under|by)(?: (?:a|an|my|some"
            rf"|the))? (<other>[^;.?!]{{1,40}}))?(?: (?:for later|somewhere))?",
        r"(?:how|where) (?:do|can|could|should) (?:i|we|you) (?:save|export|download|share|store)(?: .*)?",
        rf"{_CAN}(?:give|get|send|make|create)(?: me| us)? (?:it |that |this )?(?:a |an |the "
            rf"|as )*(<other>{_KIND})(?: (?:of|for|with|version|link)\b.*)?",
        rf"{_CAN}(?:give|send|make|create|get)(?: me| us)? (?:a |the )?(?:link|download)(?: .*)?",
    ]),
    (Intent.STEER, [
        r"(?:skip|no|without|leave out|drop|don'?t (?:run|do|use)|omit)(?: (?:the|any|all|those"
            r"|random))* (<other>controls?)(?: .*)?",
        rf"(?:use |show |test |look at |consider |start )?(?:only|just) (?:use |show |test |look at "
            rf"|from )?(?:the )?{_LAYER}"
            r"(?: (?:on|onwards?|and (?:up|later|above|after)|up|upwards|or (?:later|higher)))?",
        rf"(?:only |just )?(?:from |start(?:ing)? (?:at|from|with) )(?:the )?{_LAYER} (?:on|onwards?"
            rf"|and up|up)",
        r"(?:test|check|try) (?:all|every|all of)(?: the| of the)? (<other>groups?|everything|supernodes?"
            r"|them)(?: .*)?",
        r"(?:be |go )?(?:more |really )?(<other>thorough|quick|quicker|fast|faster)(?: (?:about it|please"
            r"|this time))?",
        r"(?:what(?:'s| is| are)|show|tell)(?: me)? (?:the|your) (<other>plan)(?: .*)?",
        r"what (?:will|would|are) you (?:going to )?(<other>test|do|try)(?: next| first| now"
            r"| with more time)?",
    ]),
    (Intent.LENGTH, [
        r"(?:give|write|make|say|tell|put|i need|let me have|formulate)\b.{1,60}[,:;–-]+ ?(?:in |just "
            r"|only |max "
            r"|maximum |at most |no more than )*(?:a|one|two|three|1|2|3|a few)"
            r" (<other>sentences?|lines?|words|bullets)(?: max(?:imum)?| long| at most| only)*",
        r".{0,60}\b(?:need|needs|want|wants|like|have|get|give|put|show|see|make|send)\b.{0,30} (?:in|as"
            r"|into|with) (?:a |an |one |two |three"
            r" |\d+ |a few |just |only |short )*(<other>table|sentences?|lines?|words|bullet points?"
            r"|bullets|tabular form)(?: please)?",
        r"(?:way |far |much |that is |that's |it's |it is |this is )*too (?:technical|complicated|complex"
            r"|hard|difficult|long|wordy)(?:\W.*)?",
        r"(?:.{0,40}\W)?(?:again|once more)\b.{0,20}\b(?:for|to) (?:normal people|dummies|beginners|laymen"
            r"|a child|non-?experts)(?:\W.*)?",
        rf"{_CAN}(?:{_TELL} (?:{_IT} )?)?(?:as|in|into|with)(?: a| an| the)? (?:small |short |nice "
            rf"|markdown )*(<other>table|tabular form|columns)",
        rf"{_CAN}(?:{_TELL}|turn) {_IT} (?:into |in )?(?:a )?(<other>table)",
        rf"{_CAN}(?:(?:show|give)(?: me)? )?(?:a |the )?(<other>table)(?: (?:of|with) (?:it|that|this"
            rf"|the (?:tests|results|evidence|numbers|groups|claims)))?",
        rf"{_CAN}(?:{_TELL} |translate )?(?:{_IT} )?(?:in|into|to|auf) (?:simple "
            rf"|plain )?(<other>{_LANGUAGES})(?: (?:language|instead|from now on))?",
        rf"{_CAN}(?:answer|speak|write|reply|talk"
            rf"|respond)(?: to me)? (?:in )?(<other>{_LANGUAGES})(?: .*)?",
        rf"{_CAN}{_TELL} (?:{_IT} )?(?:again )?(<other>{_YOUNG})",
        rf"(<other>eli ?5|eli ?\d+|tl ?;? ?dr|{_YOUNG})",
        rf"{_CAN}(?:{_TELL} (?:{_IT} )?(?:again |once more )?)?(?:in|as|with) (?:just |only |at most "
            rf"|about |no more than )*"
            r"(?:a |an |one |1 |two |2 |three |3 |few |a few |a couple of |single )*(?:very "
            r"|really )?(?:short |brief |simple |plain )*"
            r"(<other>sentences?|lines?|words?|tweet|nutshell|bullet points?|bullets|paragraph|short)",
        rf"{_CAN}(?:please )?(?:{_TELL} )?(?:{_IT} )?(?:be |a (?:bit|little) |much |even |way |something "
            rf"|more |make it |keep it )*"
            r"(<other>shorter|short|brief(?:er|ly)?|concise(?:ly)?|quickly|to the point|summary"
            r"|summari[sz]ed?|summari[sz]ing|succinct(?:ly)?)"
            rf"(?: (?:version|answer|one|form|of it|{_IT}))?",
        r"(?:too|that(?:'s| is|s| was)(?: way| much)* too) (<other>long|wordy|much|technical|complicated"
            r"|complex|hard|difficult"
            r"|short|vague|brief|simple)(?: (?:for me|to read|text|information|info))?(?:[,.;!]+ .*)?",
        rf"{_CAN}(?:please )?(?:{_TELL} )?(?:{_IT} )?(?:be |a (?:bit|little) |much |even |way |in |with "
            rf"|using |more |less |make it |again |once more |very )*"
            r"(<other>simple|simpler|simply|simplified|simplify|easy|easier|plain(?:ly)?|plainer|technical"
            r"|everyday|layman'?s|lay|normal"
            rf"|understandable|clearer|basic|non-?technical|human|down)(?: (?:words?|terms?|language"
            rf"|english|version|form|way|please|one|{_IT}))*",
        r"(?:simplify|dumb (?:it|this|that) down|break (?:it|this|that) down(?: for me)?"
            r"|(?:in )?lay(?:man'?s)? terms)",
        r"(?:.{0,40}[,.;!?] )?(?:i|we) (?:still )?(?:did|do|could|can)(?:n't|nt| not) (?:really "
            r"|quite )?(?:get|follow|understand)"
            r" (?:it|that|this|a word|you|any of (?:it|that|this)|your answer|the answer)(?:[,.;!?]+ .*)?",
        r"(?:huh|what do you mean|come again|i(?:'m| am) (?:lost|confused)|say (?:that )?again"
            r"|in english(?: please)?)(?:[,.;!?]+ .*)?",
        rf"{_CAN}(?:please )?(?:{_TELL} )?(?:me )?(?:{_IT} )?(?:with |in |the |all |all the |more |full "
            rf"|every |some |much |go |a bit |even |into )*"
            r"(<other>details?|detailed|depth|longer|long|thorough(?:ly)?|whole (?:story|thing|answer)"
            r"|full (?:story|answer|version)"
            r"|everything you (?:have|know|found)|elaborate)(?: (?:version|answer|explanation|please|one"
            r"|on it|on that|about it|of it))*",
        r"(?:(?:tell me|say|give me|go) )?(<other>more|elaborate|deeper)(?: (?:about (?:it|that|this)"
            r"|detail))?(?: please)?",
    ]),
    (Intent.CONCEPTS, [
        rf"{_HAPPENS}(?: (?:in|at|inside|on|by|after|behind))?(?: the)? {_LAYER}{_AT}",
        rf"{_HAPPENS}(?: (?:at|on|in|by))(?: the)? (?:word |token )?(<group>(?:last|final) (?:word|token"
            rf"|tokn|position|one)|\S+)"
            rf" (?:in|at|inside|on|by)(?: the)? {_LAYER}",
        rf"(?:and )?(?:in |at )?(?:the )?{_LAYER}{_AT}",
        rf"(?:in |at )?(?:the )?{_LAYER},? (?:at |and |position (?:of )?|word |token "
            rf"|for )+(?:the )?<group>[:,]? (?:what|which|show|tell).*",
        r"(?:which|what) (?:concepts?|ideas?|words?) {aux} {it} (?:hold|have|think of"
            r"|keep)(?: in mind)? (?:while|when) (?:reading|it reads)"
            r" (?:the word )?<group>",
        r"what(?:'s|s) {it} (?:thinking|think|got in mind|have in mind|having in mind)(?: (?:of|about))?"
            r"(?: (?:at|on|by) (?:the )?(?:word |token )?<group>)?",
    ]),
    (Intent.METHOD, [
        rf"(?:what(?:'s|s| is) )?(?:the )?(?:definition|meaning) of (?:a |an |the |your )?"
            rf"[“\"']?(<other>{_TERM}|{{q}})[”\"']?(?: .{{0,20}})?",
        rf"what (?:even|actually|on earth|in the world|the (?:hell|heck)) (?:is|are|does|do) (?:a |an |the "
            rf"|this |these )*(<other>{_TERM})(?: mean| here| exactly| anyway| again| supposed to be)*",
        rf"(?:remind me )?what(?:'s|s| is| are| was| were) (?:a |an |the )?(<other>{_TERM}) again",
        rf"how (?:is|are|was|were) (?:the |an? )?(<other>{_TERM}) (?:of|between|for|on|at|to|from"
            r"|in) .{1,40} (?:computed|calculated|measured|worked out|defined|found|determined|estimated"
            r"|normali[sz]ed)(?:\W.*)?",
        rf"what (?:exactly |precisely |really )?(?:do|does|did|is|are) (?:you |it |this |that )?(?:mean "
            rf"|meant )?(?:by |with )?(?:a |an "
            rf"|the )?(<other>{_TERM})(?: mean| exactly| precisely)*",
        rf"why (?:are|is) there (?:so many |\d+ |only \d+ )*(<other>{_TERM})(?: .{{0,30}})?",
        rf"(?:what(?:'s|s| is| are| was| were)?|wat is|define|explain|who is|what exactly (?:is"
            rf"|are))(?: (?:meant by|the meaning of))?"
            rf"(?: (?:a|an|the|these|those|all))* (<other>{_TERM})(?: (?:in general|here|exactly|anyway"
            rf"|supposed to be|mean(?:s|ing)?|about))*",
        rf"what (?:do|does|did)(?: (?:a|an|the|you|your|this|that|it))* (?:mean (?:by|with) )?(?:a |an "
            rf"|the )?[“\"']?(<other>{_TERM})[”\"']?"
            r" (?:mean|stand for|tell (?:me|us)|say)(?: .{0,20})?",
        rf"(?:do|are|did) (?:you|the (?:graphs?|methods?|tests?|tools?))"
            r" (?:freez|linearis|lineariz|normalis|normaliz|correct|adjust|averag|hold|includ|account|assum"
            r"|prun"
            rf"|approximat|cluster|cache)\w*\b.{{0,60}}\b(<other>{_TERM}|norms?|layernorms?)\b.*",
        r"what(?:'s|s| is| are) (?:your|the) (?:\w+ ){0,3}?(<other>thresholds?|cut-?offs?|null hypothes[ie]s"
            r"|significance level|stopping rule|budget|prior)\b.*",
        rf"what (?:do|did) you (?:understand|call) (?:by |under )?(?:a |an "
            rf"|the )?[“\"']?(<other>{_TERM})[”\"']?",
        rf"what do you mean (?:by|with) (?:a |an |the )?[“\"']?(<other>{_TERM})[”\"']?",
        rf"how (?:is|are|was|were|do|does|did)(?: (?:a|an|the|you|your|these|those))*(?: (?:get|make"
            rf"|choose|compute|pick|find|calculate|read|define))?"
            rf"(?: (?:a|an|the|your))* (<other>{_TERM})"
            r" (?:work|made|chosen|picked|computed|calculated|measured|found|defined|matched|done|formed"
            r"|built|fitted|read|come about|function|tested)"
            r"(?: .{0,30})?",
        rf"how (?:do|does|did|can) (?:you|it|this|one|askcircuit) (?:choose|compute|pick|find|calculate"
            rf"|measure|read|define|make|run|match|decide on|build|get)"
            rf"(?: (?:a|an|the|your|these))* (<other>{_TERM})(?: .{{0,30}})?",
        rf"(?:what(?:'s|s| is| are) the )?differences? between (?:a |an |the )?(<other>{_TERM} and (?:a "
            rf"|an |the )?{_TERM})",
        rf"why (?:do|does|are|is) (?:you|there|it|we) (?:use|need|have|run)(?: (?:a|an|the|so many"
            rf"|\d+))* (<other>{_TERM})(?: .{{0,30}})?",
        rf"explain (?:what )?(?:to me )?(?:a |an |the )?(<other>{_TERM}) (?:is|are|means?|does|do"
            rf"|works?)(?: .{{0,20}})?",
        r"(?:how does (?:all )?(?:this|it|that|your method|the method|the tool) work(?: (?:under the hood"
            r"|inside|internally|technically))"
            r"|what(?:'s|s| is) (?:the|your) (<other>method|methodology|approach|algorithm)(?: .{0,20})?)",
        r"(?:which|what) (<other>model) (?:is (?:this|it|that)|are you(?: using)?|do you use"
            r"|am i (?:asking|talking to)|is (?:explained|loaded|used))(?: .{0,20})?",
    ]),
]  # fmt: skip


def without_marks_of_terms(message: str) -> str:
    """The message with the words of the method whose meaning it asks for out of their quotation marks."""
    return _quoted_term().sub(r"\1", message) if _ASKS_MEANING.search(message) else message


@cache
def _quoted_term() -> re.Pattern[str]:
    return re.compile(rf"[\"'“‘«`]({_TERM})[\"'”’»`]", re.I)
