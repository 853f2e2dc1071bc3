"""The phrases by which people ask, as one ordered table. Knows how to find slots, not what they mean.

A row is an intent and its phrases; the first phrase that fits the whole question wins. In a phrase
`{name}` is a word list from WORDS, `<slot>` the words that fill a slot and
`(<slot>pattern)` the same where they fit the pattern. A quoted part is one character, `{q}`.
"""

import re
from enum import StrEnum
from functools import cache

from agent.quotes import ANY_MARK


class Intent(StrEnum):
    """What a message asks for."""

    WHY = "why"
    WHY_NOT = "why_not"
    MAKE = "make"
    USES = "uses"
    NODE = "node"
    INTERVENE = "intervene"
    SWAP = "swap"
    PATH = "path"
    WORDS = "words"
    COMPARE = "compare"
    HOLDS = "holds"
    MISTAKE = "mistake"
    SURE = "sure"
    EVIDENCE = "evidence"
    SEARCH = "search"
    TEXT = "text"
    HELP = "help"
    UNKNOWN = "unknown"


# Stems, so that remove, removed and removing are one.
FACTORS = {
    **dict.fromkeys(
        [
            "remov",
            "delet",
            "ablat",
            "drop",
            "kill",
            "disabl",
            "silenc",
            "suppress",
            "mut",
            "block",
            "eras",
            "eliminat",
            "lesion",
            "deactivat",
            "inhibit",
            "zero",
            "knock",
            "tak",
            "get",
            "cut",
            "turn-off",
            "switch-off",
            "shut",
        ],
        0.0,
    ),
    **dict.fromkeys(["doubl", "amplif", "boost", "strengthen", "increas", "rais", "enhanc", "turn-up"], 2.0),
    **dict.fromkeys(["halv", "weaken", "dampen", "reduc", "decreas", "lower", "turn-down"], 0.5),
    **dict.fromkeys(["flip", "invert", "negat", "revers"], -1.0),
    "tripl": 3.0,
    "quadrupl": 4.0,
}
_ONE_WORD = [stem for stem in FACTORS if "-" not in stem and stem not in {"tak", "get", "cut"}]

WORDS = {
    "q": ANY_MARK,
    "it": r"(?:it|you|they|he|she|gemma[\w.-]*|smollm\w*|gpt[\w.-]*|the lm|the llm"
    r"|(?:the|this|that|your|a) (?:(?:small|large|language|embedded|subject) ){0,2}(?:model|network|ai))",
    "aux": r"(?:does|did|do|would|will|should|could|can|is|was|has|had)",
    "not": r"(?:n't|nt| not| never)",
    "really": r"(?:(?:really|actually|truly|even|genuinely|just|always|in fact|so|still|ever|also"
    r"|think|thinks|thought|believe|believes) ){0,3}",
    "say": r"(?:(?:say|says|said|answer|answers|answered|predict|predicts|predicted|output|outputs"
    r"|pick|picks|picked|choose|chooses|chose|select|selects|selected|generate|generates|generated"
    r"|produce|produces|produced|write|writes|wrote|print|prints|printed|return|returns|returned"
    r"|favou?rs?|favou?red|want|wants|guess|guesses|guessed|reply|replies|replied|return|end up at"
    r"|(?:go|goes|went|opt|opts|opted|settle|settles|settled) (?:for|with|on)"
    r"|(?:end|ends|ended|end up|ends up|finish|finishes|finished|come up|comes up|came up|continue"
    r"|continues|continued|respond|responds|responded|reply|replies|replied|complete it|completes it"
    r"|follow up|follow it) (?:with|in|on))(?: with)?)",
    "saying": r"(?:saying|answering|predicting|outputting|picking|choosing|producing|writing"
    r"|generating|selecting|printing|returning|(?:going|continuing|ending|coming up) (?:for|with))",
    "continue": r"(?:(?:(?:be |get |gets |is |been )?(?:continue|continues|continued|followed|follow"
    r"|completed|complete|completes|finish|finishes|finished|end|ends|ended|answered|extended"
    r"|go on|goes on) (?:with|by|in|on with|as|using))|leads? to|led to|gives?|gave|yields?"
    r"|results? in|produces?|predicts?|becomes?|turns? into|makes? {it} {say}|->|→|=>)",
    "answer": r"(?:it|that|this|(?:the|its|your) (?:right |correct |model's |first |top |most likely )?"
    r"(?:answer|prediction|output|completion|continuation|response|reply|guess|next (?:word|token)))",
    "the": r"(?:(?:the|this|that|these|those|its|a|an|my|our) )?",
    "what_if": r"(?:(?:what(?: would happen|'d happen| happens| will happen| changes| would change)?"
    r"|what (?:does|would|will) {it} (?:say|do|answer|predict)|see what happens|and|show me what"
    r" happens)(?: to .{1,30})? (?:if|when|once|after)|if|suppose|imagine)"
    r"(?: (?:i|we|you|one)(?:'d| were to| had| could| would| just)?)?",
    "do": r"(?:{what_if}|(?:now |please )?(?:try|let's|let us|see if|how about|by|does|do|would|will))",
    "ref": r"(?:(?:this|that|it|these)(?: one)?|(?:the|this|that|these|supernode|group|node|feature"
    r"|neuron|cluster)? ?[ls]\d+(?:[./]?[nf]\d+[+-]?(?:@\d+)?)?(?: group| node)?"
    r"|.{1,40} (?:group|node|feature|neuron|supernode|cluster|circle|box)s?"
    r"|(?:the |this )?(?:supernode|group|node|feature|neuron|cluster|circle|box)(?: .{1,40})?)",
    "ask": r"(?:what|which|show|explain|describe|trace|tell|give|walk|where|how|follow|draw)\b(?:'s)?",
    "why": r"(?:(?:why|how come)(?: on earth| in the world| the (?:hell|heck)| exactly| then)?)",
    "chosen": r"(?:the (?:answer|prediction|output|result|top|first|next|most likely)(?: .*)?|chosen|picked"
    r"|selected|predicted|preferred|(?:so |more |most )?(?:likely|probable)|on top|come first|win|won"
    r"|ranked (?:first|top))(?: here)?",
    "path": r"(?:path|paths|route|circuit|mechanism|chain|pathway|flow|way)",
    "number": r"(?:c|s|#|no\.? |number )?(?:\d{1,3}(?:st|nd|rd|th)?|one|two|three|four|five|six"
    r"|seven|eight|nine|ten|last)",
    "nth": r"(?:\d{1,3}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
    r"|tenth|last)",
    "sentence": r"(?:sentence|statement|claim|point|line)",
    "other": r"(?:other|different|more|all|any|some|another|similar)",
    "verb": "(<verb>(?:" + "|".join(_ONE_WORD) + r")\w*(?: out| off)?"
    r"|cut(?:ting)? out|(?:take|took|taking) (?:away|out)|(?:get|getting|got) rid of"
    r"|(?:turn|switch|shut)(?:ed|ing)? (?:off|down|up))",
    "amount": r"(?:(<how>(?:by|to|with|at|times|x|×)(?: a factor(?: of)?| factor)?) )?"
    r"(<amount>-?\d*[.,]?\d+ ?(?:%|percent|x|×|times)?|zero|nothing|half|a half|a quarter|twice"
    r"|two|three|four|five|ten)(?: times)?",
    "times": r"(<amount>-?\d*[.,]?\d+ ?(?:%|percent|x|×|times)?|half|twice|two times|three times"
    r"|double|triple)(?: times)? (?:as|(<more>more|stronger|bigger|larger)|the|its)(?: (?:strong|active|big"
    r"|large|strength|size|high|much))*(?: as .*)?",
    "features": r"(?:features?|neurons?|nodes?|units?|latents?|descriptions?)",
    "about": r"(?:about|by meaning|for|with|on|of|like|to do with|concerning|regarding|matching"
    r"|(?:related|similar|close) to|connected (?:to|with)|that (?:mean|say|fire on|promote|are about|have to do with"
    r"|deal with|relate to|respond to|know)|(?:deal|dealing) with|knows? (?:about|of)|responds? to|fires? on|meaning|promoting|firing on):?",
    "text_word": r"(?:text|sentence|prompt|input|phrase|example|one|words)",
}

PHRASES: list[tuple[Intent, list[str]]] = [
    (Intent.HELP, [
        r"/?(?:help|usage|commands|instructions|menu|examples)(?: me)?(?: .{0,20})?",
        r"what (?:can|could|should|do) (?:you|i|we|it|this)(?: even)? (?:do|ask|say|try|type|know)(?: .*)?",
        r"how (?:do|can|should|could) (?:i|we) (?:use|start|begin|get started|ask|work with)(?: .*)?",
        r"what are (?:the|my) (?:options|commands|possibilities)(?: .*)?",
        r"how does (?:this|that|the) ?(?:thing|tool|app|program|chat)? ?work",
        r"(?:show |give )?(?:me )?(?:some |a few |more )?examples?(?: .*)?",
        r"what (?:kind of |sort of )?(?:questions|commands) .*",
    ]),
    (Intent.EVIDENCE, [
        r"(?:.{0,80} )?{sentence} (<other>{number})(?:\W.{0,60})?",
        r"(?:.{0,80} )?(<other>{nth}) {sentence}(?: .{0,60})?",
        r"(?:(?:what|which|where|how) .{0,40} )?(?:supports?|claim|evidence for|proof of|proves?) (<other>c\d+)",
        r"(?:show |give )?(?:me )?(?:the )?(?:evidence|proof|measurements?)(?: (?:for|of|on|number|behind))? (<other>(?:c|s|#)?\d+)",
        r"(?:show |give |list )?(?:me )?(?:the |your |all |all the |any )?(?:evidence|proof|measurements)(?: .{0,40})?",
        r"what(?:'s|s| is| are) (?:the |your )?(?:evidence|proof|measurements)(?: .{0,60})?",
        r"(?:prove|back up) (?:it|that|this)",
        r"how do you know(?: that| this| it| all this)*",
        r"where (?:do|does) (?:that|this|these numbers|it) come from",
    ]),
    (Intent.SURE, [
        r"(?:and )?how (?:sure|certain|confident|reliable|trustworthy|solid|robust|accurate|well supported|good|convincing|valid|strong|believable|safe|conclusive) (?:are|is|was|were|can|do|does)\b.*",
        r"(?:and )?how (?:sure|certain|confident|reliable)(?: .*)?",
        r"how (?:much|far|well) (?:can|should|do|could|may) (?:i|we|you|one) (?:really )?(?:trust|believe|rely on|know) .*",
        r"(?:are|were) you (?:really |quite |absolutely |100% )?(?:sure|certain|confident|positive|serious)(?: .*)?",
        r"(?:(?:can|should|may|could) (?:i|we|one) )?(?:really )?(?:trust|believe|rely on|depend on) (?:this|that|it|you|the)(?: .*)?",
        r"(?:how much|how many|what|which)(?: .{0,60})? (?:unexplained|uncertain|unexplored|unclear|unknown|left out|missing)(?: .*)?",
        r"(?:could|might|can|may) (?:you|it|this|that|the (?:answer|explanation)) be (?:wrong|mistaken)(?: .*)?",
        r"what (?:do|does|did) (?:you|it|the \w+)(?:n't| not) (?:know|explain|cover|show)",
        r"(?:is|are|were|was) (?:it|(?:this|that|the|your|these|those)(?: (?:answer|explanation|graph|result|claim|number|finding|conclusion|statement)s?)?) (?:really )?(?:true|right|correct|certain|proven|reliable|solid|complete|trustworthy)",
        r"(?:what(?:'s| is) )?(?:the |your )?(?:confidence|uncertainty|certainty)(?: .*)?",
    ]),
    (Intent.HOLDS, [
        r"(?:{aux}|are|does it) (?:this|that|it|the (?:same|explanation|circuit|graph|result|finding|effect|pattern)|these|the same thing)(?: also| still| really)?"
        r" (?:holds?|works?|appl(?:y|ies)|happens?|true|the case|transfers?|go(?:es)?|generali[sz]es?|the same|valid|carry over|be true|be the same|be the case|work out)(?: up| true| also| well)*"
        r"(?: (?:for|with|on|in|of|to|across|when|over)(?: the)?)? <other>(?: (?:too|as well|also|either))",
        r"(?:{aux}|are|does it) (?:this|that|it|the (?:same|explanation|circuit|graph|result|finding|effect|pattern)|these|the same thing)(?: also| still| really)?"
        r" (?:holds?|works?|appl(?:y|ies)|happens?|true|the case|transfers?|go(?:es)?|generali[sz]es?|valid|carry over|be true|be the same|be the case|work out)(?: up| true| also| well)*"
        r"(?: (?:for|with|on|in|of|to|across|when|over)(?: the)? <other>)?",
        r"{aux} {other} (<other>.+?) (?:also )?(?:work|behave|do|go|act|give|show|look) .*",
        r"{aux} (?:it|this|that) do the same(?: thing)? (?:for|with|on|in) <other>",
        r"is (?:it|this|that) the same (?:for|with|in|on|across) <other>",
        r"(?:(?:and|what|how) )*(?:about|for|with|in|on) {the}(?:other|different|another|more) (<other>\S+(?: \S+){0,2})",
        r"(?:try|test|check|run|repeat) (?:it|this|that|the same)(?: out)? (?:on|with|for) (<other>{other} .+)",
        r"(?:how well |how far )?{aux} (?:it|this|that) generali[sz]e(?: (?:to|over|across) <other>)?",
    ]),
    (Intent.MISTAKE, [
        r"(?:.{0,60}? )?(?:it|{answer}) (?:should|ought to) (?:be|have been|have said|say|have answered|answer) <foil>(?:[.,;:!?]+ .*)?",
        r"(?:(?:explain|describe|show me|analy[sz]e|what(?:'s| is)|what about|why) )?(?:the|this|that|its|your) (?:mistake|error|failure|wrong answer)(?: .*)?",
        r"{why}(?: (?:is|was|'s))? (?:{answer}|{it})(?:'s| is| was)? (?:so |just )?(?:wrong|incorrect|mistaken|false|not right)(?: .*)?",
        r"{why} (?:is|was)(?:n't|nt) (?:{answer}|{it}) (?:right|correct)(?: .*)?",
        r"{why} (?:is|was) (?:{answer}|{it}) (?:not (?:right|correct)|false)(?: .*)?",
        r"(?:the |its )?(?:right|correct|real|true|actual|expected) (?:answer|word|token|continuation) (?:is|was|would be|would have been) <foil>",
        r"{why} (?:is|was) <said> (?:wrong|incorrect|not right|false|a mistake|an error)",
        r"{why} {aux} {it} (?:get|got|have) .{1,60} wrong(?: .*)?",
        r"{why} {aux} {it} (?:make|made|commit) {the}(?:mistake|error)s?(?: .*)?",
        r"{why} {aux} {it} (?:fail|err|go wrong|slip up|miss)(?: .*)?",
        r"(?:where|how|when) {aux} {it} (?:go|get|went)(?: it)? wrong(?: .*)?",
        r"what(?:'s| is| went| goes| was)(?: going| gone)? wrong(?: .*)?",
        r"(?:it|that|this|{answer})(?:'s| is| was) (?:wrong|incorrect|a mistake|not right|false)(?:\W.*)?",
    ]),
    (Intent.MAKE, [
        r"(?!why|how come)(?:.{0,80} )?(?:make|making|get|getting|force|forcing|push|pushing|bring|coax) {it}(?: to| into)? (?:{say}|{saying}) <foil>",
        r"(?:what|how) (?:.{0,40} )?(?:make|get|cause|lead|let) <text> (?:to )?{continue} <foil>",
        r"what (?:would|will|does) it take (?:for {it} )?to (?:get|see|have|reach|hear|obtain) <foil>",
        r"what\S* (?:.{0,40} )?(?:for|so|so that|before|until) {it} (?:to |would |can |could |will )?{say} <foil>",
        r"(?:how|what) .{0,40}(?:made|forced|pushed|brought|gotten|led|tricked) (?:to |into )(?:{say}|{saying}) <foil>",
        r"(?!why).{0,40}(?:intervention|change|edit|way|group|word|text|thing)s? (?:.{0,20} )?(?:makes?|gets?|forces?|causes?|leads?) {it} (?:to )?{say} <foil>",
        r"(?:what|which|how) .{0,40}(?:flip|change|switch|turn|shift|move|push|tip) {answer}(?: from .{1,30})? (?:in)?to(?:wards)? <foil>",
        r"(?:what|how) .{0,30}(?:make|let) (?:the|its) (?:answer|prediction|output|next word|next token) (?:be |become |into )?<foil>",
        r"(?:i|we)(?:'d| would)? (?:like|want|need|wish) {it} (?:to|would|had|should) {say} <foil>",
        r"how (?:could|can|would|do|might) (?:i|we|you|one) (?:get|obtain|reach) (<foil>(?!from\b|to\b).+)",
        r"what .{0,40}(?:change|do|edit|alter|remove|add)(?: .{0,20})? to (?:get|see|obtain|have) <foil>",
    ]),
    (Intent.INTERVENE, [
        r"(?:{do} )?(?:turn|switch|shut)(?:ed|ing)? <group> (<verb>off|down|up)(?: {amount})?",
        r"(?:{do} )?(<verb>scal|multipl|set|clamp|steer|chang|adjust)\w* <group> {amount}",
        r"(?:{do} )?{verb} <group> {amount}",
        r"(?:{do} )?{verb} <group>",
        r"{what_if} <group> (?:is|was|were|are|gets?|got|has been|had been|were to be|be)(?: completely)? {verb}(?: {amount})?",
        r"(<group>{ref}) ?(?:x|×|\*|times) ?(<amount>-?\d*[.,]?\d+)",
        r"(?:{what_if}|make|let) <group>(?: is| was| were| be| become)? {times}",
        r"{what_if} <group> (?:is|was|were|had been)(?: not|n't) (?:there|active|present|firing)",
        r"(?:{what_if}|make|made|had) <group> (?:were |was |is |be )?(<verb>stronger|weaker|bigger|smaller|louder)",
        r"{what_if} {it} (?:did|does|do|had|has){not} (?:have|had|know|see|use) <group>",
        r"(?:{do} )?cut(?:ting)? <group> (?:in|by) (<verb>half)",
        r"(?:what|how) (?:does|would|do|will) {verb} <group> (?:do|change|have|mean)(?: .*)?",
        r"how (?:does|would|do|will|did) .{1,40} (?:change|differ|react|look|respond|behave|move)s? {what_if} {verb} <group>",
        r"how (?:does|would|do|will|did) .{1,40} (?:change|differ|react|look|respond|behave|move)s? {what_if} <group> (?:is|was|were|are|gets?) {verb}",
        r"(?:.{0,60} )?without (<group>[^,]+)",
    ]),
    (Intent.SWAP, [
        r"(?:{do} )?substitut(?:e|ed|ing) <other> for <group>",
        r"swap(?:ping)? in <other> for <group>",
        r"(?:{do} )?(?:put|use|used|using|insert) <other> (?:instead of|in place of|in the place of|rather than) <group>",
        r"{what_if} (?:it|the text|the prompt|that|this|they)(?: (?:was|were|said|had|had been|read|is|says))+ <other> (?:instead of|rather than|in place of|and not|not) <group>",
        r"(?:{do} )?(?:swap|replac|exchang|switch|chang|patch|trad|substitut|turn)(?:e|ed|ped|d|ing|ping)?(?: out)? <group> (?:for|by|with|into) <other>",
        r"(?:{do} )?(?:swap|exchange|switch|change|turn)(?:ped|d|ed|ing)? <group> (?:to|and|against) <other>",
        r"{what_if} <group> (?:is|was|were|gets?|had been|has been)(?: (?:swapped|replaced|exchanged|changed|switched))? ?(?:for|by|with|to|into)? <other>",
    ]),
    (Intent.WHY_NOT, [
        r"{why}(?: and)? not(?: just)?(?: {say})? <foil>",
        r"{why} {aux} {it} (?:reject|avoid|rule out|dismiss|ignore|exclude|drop|skip|discard)(?:s|ed)? <foil>",
        r"(?:is there )?(?:any|a|what) reason (?:why |that )?{it} {aux}{not} {say} <foil>",
        r"how come <foil> (?:is|was|did|does){not} {chosen}",
        r"(?:what about )?(<foil>\S+(?: \S+){0,3}?),? why not",
        r"{why} (?:is|was|did|does){not} <foil> {chosen}",
        r"{why} (?:is|was|did|does) <foil>{not} {chosen}",
        r"{why} (?:{aux}{not}|won't|wont|can't|cant|cannot) {it} {really}{say} <foil>",
        r"{why} {aux} {it} .{0,20}\bnot(?: to)? {say} <foil>",
        r"{why} (?:{aux} )?{it}(?: {aux})?{not} {really}{say} <foil>",
        r"{why} (?:is|was){not} {answer} <foil>",
        r"{why} (?:is|was) {answer}{not} <foil>",
        r"what (?:stopped|stops|kept|keeps|prevented|prevents|blocked|blocks|held|holds|hindered) {it} (?:back )?(?:from )?{saying} <foil>",
        r"{why} {aux}{not} <text> {continue} <foil>",
        r"{why} {aux} <text>{not} {continue} <foil>",
    ]),
    (Intent.TEXT, [
        r"(<text>{q})",
        r"what (?:is|are|comes?|would come|will come|follows?|does {it} {say}|would {it} {say}|will {it} {say})(?: next| the next (?:word|token)| likely)*(?: after| for| to| given| next in|:)? (<text>(?:the {text_word} )?{q})",
        r"(?:what|which) (?:next |following )?(?:word|token)s? (?:does|would|will|did) {it} {say}(?: next)? (?:after|to|given|for) <text>",
        r"what (?:does|would|will|did) {it} (?:say|predict|answer|output|think|continue with)(?: comes?)?(?: next)? (?:after|to|given|for) <text>",
        r"how (?:does|would|will) {it} (?:continue|complete|finish|end|extend) <text>",
        r"(?:let's |let us |now |next |we )*(?:try|explain|trace|analy[sz]e|look at|look into|take|explore|do|run|consider|show me|use|start with|what about|how about|continue|complete|here is|here's|test|study)(?: it)?(?: with| on)? (?:{the}(?:(?:other|new|another|next|following) )*{text_word}:? )?(<text>{q})(?: instead| next| now)?",
        r"(?:(?:and |now |then |please |explain |try |trace |analy[sz]e |look at |a |an |the |this |my |here is |here's |following )*(?:another|new|next|different|other|other one)? ?)?{text_word}: <text>",
    ]),
    (Intent.WORDS, [
        r"(?:which|what) (?:(?:input|other|single|individual|of the|of my) )*(?:words?|tokens?|parts?|inputs?|pieces?|bits?)(?: .*)?",
        r"(?:highlight|show|list|mark|point out|rank|give)(?: me)? (?:the |all )?(?:(?:most |more )?(?:important|relevant|influential|key|salient|main|decisive) )?(?:input )?(?:words|tokens|inputs)(?: .*)?",
        r"what (?:in|about|part of|parts of) (?:the|my|this) (?:text|prompt|sentence|input)(?: .*)?",
        r"where(?: in the \w+)? {aux} {it} (?:look|attend|focus)(?: .*)?",
        r"what {aux} {it} (?:really |mostly |mainly )?(?:pay|paying|look|looking|attend|attending|focus|focusing|rely|relying|depend|base)(?: attention| its answer)*(?: (?:to|at|on))?(?: .{0,20})?",
    ]),
    (Intent.PATH, [
        r"(?:show|tell|explain|trace|walk|take|guide|lead|describe|follow|how|what)\b(?:.{0,60})? from <group> to <other>",
        r"how (?:does|do|did) (?!{it} )<group> (?:lead|get|turn|connect|flow|contribute|go|point) (?:in)?to <other>",
        r"how (?:does|do|did) (?!{it} )<group> (?:become|produce|cause|trigger|activate) <other>",
        r"(?:{ask} (?:.{0,40} )?|the )?(?:strongest|main|most important|biggest|shortest|key|dominant|whole|full|causal) {path}",
        r"{ask} (?:.{0,40} )?(?:strongest|main|most important|biggest|shortest|key|dominant|whole|full|causal) {path} .*",
        r"(?:which|what) {path}s? .{1,60}",
        r"(?:walk|take|guide|lead|talk) (?:me|us) (?:step by step )?through .*",
        r"(?:explain|describe|show|trace|follow|draw|summari[sz]e)(?: me)? (?:the|its|this) {path}s?(?: .*)?",
        r"how (?:does|do|did) (?:the )?(?:information|signal|it|activation) (?:flow|travel|get|go|move|pass|reach)(?: .*)?",
        r"(?:go )?step by step",
    ]),
    (Intent.COMPARE, [
        r"(?:compare|contrast)(?: (?:it|this|that|{the}{text_word}))? (?:with|to|against|versus|vs\.?) (?:the {text_word} )?<other>",
        r"(?:compare|contrast) <text> (?:with|to|against|versus|vs\.?) <other>",
        r"(?:compare|contrast) <text> and <other>",
        r"how (?:does|do|is|are|did) <text> (?:differ|differs|different|compare|compares|compared)(?: (?:from|to|with|than|against))? <other>",
        r"what(?:'s|s| is| are) (?:the )?(?:differences?|different) (?:between|in) <text> (?:and|from|to|than) <other>",
        r"what (?:changes|differs|is different|would change|would be different)(?: .{0,30})? (?:for|with|in|if|on|from|to)(?: .{0,20})? (<other>{q})",
        r"is (?:it|this|that) (?:any different|the same|different) (?:as|from|to|than)(?: (?:for|with|in))?(?: the {text_word})? <other>",
    ]),
    (Intent.WHY, [
        r"{why}",
        r"(<text>{q}) ?(?:->|→|=>|gives|predicts) ?(<said>{q}|\S+)",
        r"(?:explain )?<text> (?:->|→|=>) <said>",
        r"{why}(?: {aux})? {it} (?:like|likes|prefer|prefers|preferred|favou?rs?|rank|ranks) <said> (?:to|over|above|more than) <foil>",
        r"{why}(?: {aux})? (?:{answer}|{it}) (?:(?:should )?be )?{really}(?:that )?(?:it (?:is|was) )?(?:{say}|{continue}) <said>",
        r"{why}(?: {aux})? {it} {really}(?:complete|continue|finish|extend|end|answer)(?:s|d|ed)? <text> (?:with|as|by|using) <said>",
        r"{why}(?: {aux})? (?:{it} {really}(?:that )?)?<text> (?:should |would |will |must )?{continue} <said>",
        r"{why} (?:is |was )?{the}(?:continuation|completion|next word|next token) (?:of|after|to|for) (<text>{q})(?: is| was)? <said>",
        r"{why} (?:is|was) {the}(?:next|most likely|following|predicted|top) (?:word|token)(?: (?:after|of|in|for|to))? (<text>{q}) <said>",
        r"{why}(?: (?:is|was))? {answer}(?: (?:is|was))? <said>",
        r"{why} {aux} (<text>(?:.{0,20} )?{q}) (?:get|have|receive|come out as) <said>",
        r"what (?:makes|made) <said> (?:more |so |the most )?(?:likely|probable)(?: than <foil>)?",
        r"explain (?:the|its|this) (?:answer|prediction|output|word|token|choice) <said>",
        r"(?:for|by) (?:what|which) (?:reason|cause|mechanism) {aux} {it} {say} <said>",
        r"where (?:does|do|did) {the}(?:answer|prediction|output|word|token)? ?<said> come from",
        r"what (?:is it that |was it that )?(?:made|makes|caused|causes|leads?|led|forces?|forced|gets?|got) {it} (?:to )?{really}{say} <said>",
        r"what(?:'s|s| is| was| are)? (?:the |your )?(?:reasons?|cause|explanation|mechanism|logic)?(?: why| that| for| of| behind)? {it} {say} <said>",
        r"what(?:'s|s| is| was) (?:the |your )?(?:reasons?|cause|explanation|mechanism|logic|behind)(?: (?:for|of|behind))?(?: {the}(?:answer|prediction|output|word|token))? <said>",
        r"what (?:causes?|caused|explains?|explained|drives?|drove|triggers?|triggered|produced?)(?: {the}(?:answer|prediction|output|word|token))? <said>",
        r"how {aux} {it} (?:come up with|arrive at|get to|get|know|decide on|figure out|reach|land on|produce|guess|find|pick|choose)(?: that| to say)?(?: (?:it|{answer})(?:'s| is| was| should be))? <said>",
        r"{why} (?:is|was|did|does) <said> {chosen}",
        r"{why} {aux} {it} do (?:that|this|it|so)",
        r"{why} (<said>(?!{aux}\b|are\b|do\b|am\b)\S+(?: \S+){0,7})",
    ]),
    (Intent.USES, [
        r"{aux} {it} {really}(?:using|use|rely|relying|look|looking|depend|depending|need|needing|considering|consider|pay|paying|read|reading|attend|attending|based|know|care|caring)(?: attention)?(?: (?:on|at|to|about))? <group>",
        r"{aux} (?:the |its |this )?(?:answer|prediction|output|result) {really}(?:depend|rely|hinge|rest|based)(?:ing)?(?: on)? <group>",
        r"{aux} <group> {really}(?:matter|count|contribute|(?:do|doing|contribute|contributing) (?:something|anything)|play a (?:role|part)|make a difference|have an effect|do anything|help|influence)(?: .*)?",
        r"(?:is|was|are|were) <group> (?:at all )?{really}(?:used|needed|necessary|important|essential|required|relevant|involved|causal|responsible|crucial)(?: .*)?",
        r"how (?:important|relevant|crucial|necessary|much does) (?:is |was )?<group>(?: matter)?",
    ]),
    (Intent.NODE, [
        r"what {aux} (<group>{ref}) (?:do|mean|stand for|represent|encode|detect|respond to|fire on|fires on|promote|look for|react to)(?: .*)?",
        r"what (<group>{ref}) (?:does|do|means?|stands? for|represents?|encodes?)(?: .*)?",
        r"what {aux} (?!{it} )(<group>\S+(?: \S+){0,3}) (?:do|stand for|represent|encode|detect)(?: here)?",
        r"what(?:'s|s| is| are)(?: in| inside)? (<group>(?!the (?:role|meaning|function|purpose)){ref})(?: (?:for|about|made of))?",
        r"(?:tell me (?:more )?about|describe|explain|show me|show|what about|interpret|inspect|zoom in on|(?:give me |show me )?(?:some |the |more )*(?:info|information|details?|more|facts) (?:of|on|about|for)) (<group>{ref})",
        r"(?:who|what|which|list|show)(?: me)?(?: (?:are|is|features are|features))?(?: the)? members of <group>",
        r"what role {aux} <group> play(?: .*)?",
        r"what(?:'s| is) the (?:role|meaning|function|purpose|job|point|label|description) of <group>",
        r"(?:which|what) (?:features|nodes|neurons|members) (?:are|is) (?:in|inside|part of) <group>",
        r"(?:what|when) (?:fires|activates|triggers|excites|turns on|does) (<group>{ref})(?: fire| activate)?(?: on| for)?",
    ]),
    (Intent.SEARCH, [
        r"(?:search|find|look up|look for|show|list|get|give|are there|is there|which|what|do you have|do you know)(?: me)?(?: (?:for|any|some|all|the|a|up))* {features}(?: (?:are|is|have|has|there|exist|that have|that are))*(?: {about}) <other>",
        r"(?:any |some |all )?{features} {about} <other>",
        r"(?:search|find|look up|look for)(?: (?:for|me|any|some|all|the))* (<other>\S+(?: \S+){0,2}?) {features}",
        r"(?:search|find|look up|look for)(?: (?:for|up|me))*(?: by meaning:?)? <other>",
    ]),
    (Intent.TEXT, [
        r"(?:let's |let us |now |next )*(?:explain|trace|analy[sz]e|explore|try) (<text>\S+(?: \S+){2,})",
    ]),
]  # fmt: skip

# Tried last, and only on what is plainly a question or an order: a word gives it away.
LOOSE: list[tuple[Intent, list[str]]] = [
    (Intent.MAKE, [
        r".*\b(?:would|could|must|might|has to|needs?|change|convince|persuade|trick)\b.* {it} (?:to )?{say} <foil>",
        r".*\b(?:would|could|must|might|has to|needs?|change)\b.* {answer} (?:to be|to become|be|become) <foil>",
    ]),
    (Intent.WHY_NOT, [
        r"(?:why|how come|what)\b.*(?:\bnot|n't|\brefus\w*)(?: to)?(?: {it})? {say} <foil>",
    ]),
    (Intent.WHY, [
        r"(?:.*\b)?{it} {say} <said>",
        r"{why} .* (?:sure|certain|convinced|confident) (?:that |of |about )?(?:(?:it|{answer})(?: is|'s) )?<said>",
    ]),
    (Intent.SWAP, [r".*\b(?:swap|replac|exchang|substitut)\w* <group> (?:for|by|with) <other>"]),
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
        r".*\b(?:sure|certain|certainty|confident|confidence|trust|reliable|reliably|you be wrong|you wrong)\b.*",
    ]),
    (Intent.MISTAKE, [r".*\b(?:mistake|mistaken|wrong|error|incorrect|fail|fails|failed|failure)\b.*"]),
    (Intent.HOLDS, [
        r".*\b(?:for|on|with|to|about|of) (?:the )?(?:other|different) (<other>\S+(?: \S+)?)",
        r".*\b(?:generali\w*|how general)\b.*",
    ]),
    (Intent.SEARCH, [
        r"(?:find|search|show|list|look|which|what|are there|is there)\b.*{features} (?:.* )?(?:about|for|to|like|on|with|of) <other>",
    ]),
    (Intent.NODE, [
        r"(?:what|which|who|when|tell|explain|describe|how)\b.*?\b(<group>s\d+|l\d+[./]?[nf]\d+[+-]?)(?:\W.*)?",
        r"(?:what|which|tell|explain|describe)\b.* (?:the|this|that) (<group>.{1,30}) (?:group|supernode)\b.*",
    ]),
    (Intent.PATH, [
        r".*\bfrom <group> to <other>",
        r".*\b(?:path|route|circuit|mechanism|pathway)s?\b.*",
    ]),
    (Intent.WORDS, [r".*\b(?:which|what|important|relevant|influential)\b.* (?:words?|tokens?)\b.*"]),
]  # fmt: skip

# What may stand around a question that names its text; the slot `rest` is the question.
FRAMES = [
    r"(?:(?:for|in|given|after|with|about|take|considering|regarding|on|here's|here is|(?:when|if|suppose) (?:i|you|we|it|they) \w+(?: it| in)?)(?: {the}{text_word})?:? )?(<text>{q})(?: ?[,:;.–—-]+)? (<rest>(?:and )?(?:why|how|what|which|is|does|did|where|explain)\b.+)",
    r"(?!explain\b)<text> ?[:;–—-]+ ?(<rest>why\b.+)",
    r"<rest>,? (?:in|after|for|on|given|following)(?: {the}{text_word})?:? (<text>{q})",
    r"(<rest>.+(?:answer|repl|respon|react|say).+) to(?: {the}{text_word})?:? (<text>{q})",
    r"<rest>,? (?:in|after|for|given|following)(?: {the}{text_word}:)? (<text>(?-i:[A-Z])\S*(?: \S+){2,})",
]  # fmt: skip

POLITE_START = (
    r"(?:(?:hey|hi|hello|ok|okay|so|and|but|now|well|then|also|right|great|please|just|actually|hm+|um+"
    r"|yes|no|alright|thanks)\b[,!.:]? |(?:can|could|would|will) (?:you|we) (?!be\b)(?:please |maybe |also |try to )*"
    r"(?:(?:tell|show|explain to) (?:me|us) (?={w}))?|(?:i|we)(?:'d| would)? (?:really )?(?:like|want|need"
    r"|love) to (?:(?:know|understand|see|learn|ask|find out|hear) )?|tell (?:me|us) (?={w})"
    r"|explain(?: to me)?:? (?={w})|do you know |any idea |i (?:wonder|am wondering|don't (?:understand|get)) "
    r"|please |(?:my |one |a |the |another )?question: )".replace("{w}", r"(?:why|how|what|which|if|where)\b")
)
POLITE_END = r"(?:,? (?:please|thanks|thank you|exactly|for me|though|anyway)|[\s?!.…]+)"


@cache
def table() -> list[tuple[Intent, list[re.Pattern[str]]]]:
    """The phrases, ready to match."""
    return [(intent, [compiled(phrase) for phrase in phrases]) for intent, phrases in PHRASES]


@cache
def loose_table() -> list[tuple[Intent, list[re.Pattern[str]]]]:
    """The words that give a question away, ready to match."""
    return [(intent, [compiled(phrase) for phrase in phrases]) for intent, phrases in LOOSE]


@cache
def compiled(phrase: str) -> re.Pattern[str]:
    """A phrase as a regular expression over the whole question."""
    pattern = phrase
    while re.search(r"\{[a-z_]+\}", pattern):
        pattern = re.sub(r"\{([a-z_]+)\}", lambda found: WORDS[found[1]], pattern)
    pattern = re.sub(r"\(<([a-z]+)>", r"(?P<\1>", pattern)
    # A text may hold any of the words around it, so it reaches as far as it can; the others don't.
    pattern = re.sub(r"(?<!P)<text>", "(?P<text>.+)", pattern)
    pattern = re.sub(r"(?<!P)<([a-z]+)>", r"(?P<\1>.+?)", pattern)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
