"""The phrases by which people ask, as one ordered table. Knows how to find slots, not what they mean.

A row is an intent and its phrases; the first phrase that fits the whole question wins. How a phrase
is written is told in `agent.questions.pattern_dsl`.
"""

import re
from functools import cache

from agent.core import Intent
from agent.questions.pattern_dsl import compile_phrase
from agent.questions.patterns_concepts import CONCEPTUAL
from agent.questions.patterns_extra import IDIOMS

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
        r"(?:(?:what|which|where|how) .{0,40} )?(?:supports?|claim|evidence for|proof of|proves?)"
            r" (<other>c\d+)",
        r"(?:show |give )?(?:me )?(?:the )?(?:evidence|proof|measurements?)(?: (?:for|of|on|number"
            r"|behind))? (<other>(?:c|s|#)?\d+)",
        r"(?:show |give |list )?(?:me )?(?:the |your |all |all the |any )?(?:evidence|proof"
            r"|measurements)(?: .{0,40})?",
        r"what(?:'s|s| is| are) (?:the |your )?(?:evidence|proof|measurements)(?: .{0,60})?",
        r"(?:prove|back up) (?:it|that|this)",
        r"(?:please )?(?:provide|report|state|give|show|list|print|quote)(?: me| us)? (?:the |all |your )*"
            r"(?:measured |actual |raw |exact |individual )*(?:effect sizes?|numbers|figures|statistics|stats"
            r"|p[- ]?values?|data) (?:for|of|on|behind|that|which|supporting|under|to)\b.*",
        r"(?:what|which|how (?:large|big|strong|many))(?:'s|s)? (?:is |are |was "
            r"|were )?(?:the )?(?:measured )?"
            r"(?:effect sizes?|p[- ]?values?|test results?|controls beat)\b.*",
        r"what(?:'s|s| is| are| was| were) the .{1,50} (?:behind|for|under|underlying|of) (?:that|the|this"
            r"|your) (?:claim|statement|sentence|verdict|finding|result|conclusion)s?(?:\W.*)?",
        r"(?:.{0,80}[.!?] )?(?:what (?:are|were)|show me|give me|list) the (?:actual|raw|real|exact"
            r"|measured|concrete|hard) (?:numbers?|figures?|values?|data)(?:\W.*)?",
        r"how do you know(?: that| this| it| all this)*",
        r"where (?:do|does) (?:that|this|these numbers|it) come from",
    ]),
    (Intent.SURE, [
        r"(?:and )?how (?:sure|certain|confident|reliable|trustworthy|solid|robust|accurate|well"
            r" supported|good|convincing|valid|strong|believable|safe|conclusive) (?:are|is|was|were"
            r"|can|do|does)\b.*",
        r"(?:and )?how (?:sure|certain|confident|reliable)(?: .*)?",
        r"how (?:much|far|well) (?:can|should|do|could|may) (?:i|we|you|one) (?:really )?(?:trust"
            r"|believe|rely on|know) .*",
        r"(?:are|were) you (?:really |quite |absolutely |100% )?(?:sure|certain|confident|positive"
            r"|serious)(?: .*)?",
        r"(?:(?:can|should|may|could) (?:i|we|one) )?(?:really )?(?:trust|believe|rely on|depend on)"
            r" (?:this|that|it|you|the)(?: .*)?",
        r"(?:how much|how many|what|which)(?: .{0,60})? (?:unexplained|uncertain|unexplored|unclear"
            r"|unknown|left out|missing)(?: .*)?",
        r"(?:could|might|can|may) (?:you|it|this|that|the (?:answer|explanation)) be (?:wrong"
            r"|mistaken)(?: .*)?",
        r"what (?:do|does|did) (?:you|it|the \w+)(?:n't| not) (?:know|explain|cover|show)",
        r"(?:is|are|were|was) (?:it|(?:this|that|the|your|these|those)(?: (?:answer|explanation|graph"
            r"|result|claim|number|finding|conclusion|statement)s?)?) (?:really )?(?:true|right|correct"
            r"|certain|proven|reliable|solid|complete|trustworthy)",
        r"(?:what(?:'s| is) )?(?:the |your )?(?:confidence|uncertainty|certainty)(?: .*)?",
    ]),
    (Intent.HOLDS, [
        r"(?:{aux}|are|does it) (?:this|that|it|the (?:same|explanation|circuit|graph|result|finding"
            r"|effect|pattern)|these|the same thing)(?: also| still| really)?"
        r" (?:holds?|works?|appl(?:y|ies)|happens?|true|the case|transfers?|go(?:es)?|generali[sz]es?"
            r"|the same|valid|carry over|be true|be the same|be the case|work out)(?: up| true| also|"
            r" well)*"
        r"(?: (?:for|with|on|in|of|to|across|when|over)(?: the)?)? <other>(?: (?:too|as well|also|either))",
        r"(?:{aux}|are|does it) (?:this|that|it|the (?:same|explanation|circuit|graph|result|finding"
            r"|effect|pattern)|these|the same thing)(?: also| still| really)?"
        r" (?:holds?|works?|appl(?:y|ies)|happens?|true|the case|transfers?|go(?:es)?|generali[sz]es?"
            r"|valid|carry over|be true|be the same|be the case|work out)(?: up| true| also| well)*"
        r"(?: (?:for|with|on|in|of|to|across|when|over)(?: the)? <other>)?",
        r"{aux} {other} (<other>.+?) (?:also )?(?:work|behave|do|go|act|give|show|look) .*",
        r"{aux} (?:it|this|that) do the same(?: thing)? (?:for|with|on|in) <other>",
        r"is (?:it|this|that) the same (?:for|with|in|on|across) <other>",
        r"(?:(?:and|what|how) )*(?:about|for|with|in|on) {the}(?:other|different|another|more)"
            r" (<other>\S+(?: \S+){0,2})",
        r"(?:try|test|check|run|repeat) (?:it|this|that|the same)(?: out)? (?:on|with|for)"
            r" (<other>{other} .+)",
        r"(?:how well |how far )?{aux} (?:it|this|that) generali[sz]e(?: (?:to|over|across) <other>)?",
    ]),
    (Intent.MISTAKE, [
        r"(?:.{0,60}? )?(?:it|{answer}) (?:should|ought to) (?:be|have been|have said|say|have answered"
            r"|answer) <foil>(?:[.,;:!?]+ .*)?",
        r"(?:(?:explain|describe|show me|analy[sz]e|what(?:'s| is)|what about|why) )?(?:the|this|that"
            r"|its|your) (?:mistake|error|failure|wrong answer)(?: .*)?",
        r"{why}(?: (?:is|was|'s))? (?:{answer}|{it})(?:'s| is| was)? (?:so |just )?(?:wrong|incorrect"
            r"|mistaken|false|not right)(?: .*)?",
        r"{why} (?:is|was)(?:n't|nt) (?:{answer}|{it}) (?:right|correct)(?: .*)?",
        r"{why} (?:is|was) (?:{answer}|{it}) (?:not (?:right|correct)|false)(?: .*)?",
        r"(?:the |its )?(?:right|correct|real|true|actual|expected) (?:answer|word|token|continuation)"
            r" (?:is|was|would be|would have been) <foil>",
        r"{why} (?:is|was) <said> (?:wrong|incorrect|not right|false|a mistake|an error)",
        r"{why} {aux} {it} (?:get|got|have) .{1,60} wrong(?: .*)?",
        r"{why} {aux} {it} (?:make|made|commit) {the}(?:mistake|error)s?(?: .*)?",
        r"{why} {aux} {it} (?:fail|err|go wrong|slip up|miss)(?: .*)?",
        r"(?:where|how|when) {aux} {it} (?:go|get|went)(?: it)? wrong(?: .*)?",
        r"what(?:'s| is| went| goes| was)(?: going| gone)? wrong(?: .*)?",
        r"(?:it|that|this|{answer})(?:'s| is| was) (?:wrong|incorrect|a mistake|not right|false)(?:\W.*)?",
    ]),
    (Intent.MAKE, [
        r"(?!why|how come)(?:.{0,80} )?(?:make|making|get|getting|force|forcing|push|pushing|bring"
            r"|coax) {it}(?: to| into)? (?:{say}|{saying}) <foil>",
        r"(?:what|how) (?:.{0,40} )?(?:make|get|cause|lead|let) <text> (?:to )?{continue} <foil>",
        r"(?:what|how) (?:.{0,40} )?(?:make|get|cause|lead|let) (<text>(?:the {text_word} )?{q}) (?:to )?"
            r"{say} <foil>",
        r"what (?:would|will|does) it take (?:for {it} )?to (?:get|see|have|reach|hear|obtain) <foil>",
        r"what\S* (?:.{0,40} )?(?:for|so|so that|before|until) {it} (?:to |would |can |could |will"
            r" )?{say} <foil>",
        r"(?:how|what) .{0,40}(?:made|forced|pushed|brought|gotten|led|tricked) (?:to |into )(?:{say}"
            r"|{saying}) <foil>",
        r"(?!why).{0,40}(?:intervention|change|edit|way|group|word|text|thing)s? (?:.{0,20} )?(?:makes?"
            r"|gets?|forces?|causes?|leads?) {it} (?:to )?{say} <foil>",
        r"(?:what|which|how) .{0,40}(?:flip|change|switch|turn|shift|move|push|tip) {answer}(?: from"
            r" .{1,30})? (?:in)?to(?:wards)? <foil>",
        r"(?:what|how) .{0,30}(?:make|let) (?:the|its) (?:answer|prediction|output|next word|next"
            r" token) (?:be |become |into )?<foil>",
        r"(?:i|we)(?:'d| would)? (?:like|want|need|wish) {it} (?:to|would|had|should) {say} <foil>",
        r"how (?:could|can|would|do|might) (?:i|we|you|one) (?:get|obtain|reach) (<foil>(?!from\b|to\b).+)",
        r"what .{0,40}(?:change|do|edit|alter|remove|add)(?: .{0,20})? to (?:get|see|obtain|have) <foil>",
    ]),
    (Intent.INTERVENE, [
        r"(?:{do} )?(?:turn|switch|shut)(?:ed|ing)? <group> (<verb>off|down|up)(?: {amount})?",
        r"(?:{do} )?(<verb>scal|multipl|set|clamp|steer|chang|adjust)\w* <group> {amount}",
        r"(?:{do} )?{verb} <group> {amount}",
        r"(?:{do} )?{verb} <group>",
        r"{what_if} <group> (?:is|was|were|are|gets?|got|has been|had been|were to be|be)(?:"
            r" completely)? {verb}(?: {amount})?",
        r"(<group>{ref}) ?(?:x|×|\*|times) ?(<amount>-?\d{0,15}[.,]?\d{1,15})",
        r"(?:{what_if}|make|let) <group>(?: is| was| were| be| become)? {times}",
        r"{what_if} <group> (?:is|was|were|had been)(?: not|n't) (?:there|active|present|firing)",
        r"(?:{what_if}|make|made|had) <group> (?:were |was |is |be )?(<verb>stronger|weaker|bigger"
            r"|smaller|louder)",
        r"{what_if} {it} (?:did|does|do|had|has){not} (?:have|had|know|see|use) <group>",
        r"(?:{do} )?cut(?:ting)? <group> (?:in|by) (<verb>half)",
        r"(?:what|how) (?:does|would|do|will) {verb} <group> (?:do|change|have|mean)(?: .*)?",
        r"how (?:does|would|do|will|did) .{1,40} (?:change|differ|react|look|respond|behave|move)s?"
            r" {what_if} {verb} <group>",
        r"how (?:does|would|do|will|did) .{1,40} (?:change|differ|react|look|respond|behave|move)s?"
            r" {what_if} <group> (?:is|was|were|are|gets?) {verb}",
        r"(?:.{0,60} )?without (<group>[^,]+)",
    ]),
    (Intent.SWAP, [
        r"(?:{do} )?substitut(?:e|ed|ing) <other> for <group>",
        r"swap(?:ping)? in <other> for <group>",
        r"(?:{do} )?(?:put|use|used|using|insert) <other> (?:instead of|in place of|in the place of"
            r"|rather than) <group>",
        r"{what_if} (?:it|the text|the prompt|that|this|they)(?: (?:was|were|said|had|had been|read|is"
            r"|says))+ <other> (?:instead of|rather than|in place of|and not|not) <group>",
        r"(?:{do} )?(?:swap|replac|exchang|switch|chang|patch|trad|substitut|turn)(?:e|ed|ped|d|ing"
            r"|ping)?(?: out)? <group> (?:for|by|with|into) <other>",
        r"(?:{do} )?(?:swap|exchange|switch|change|turn)(?:ped|d|ed|ing)? <group> (?:to|and|against)"
            r" <other>",
        r"{what_if} <group> (?:is|was|were|gets?|had been|has been)(?: (?:swapped|replaced|exchanged"
            r"|changed|switched))? ?(?:for|by|with|to|into)? <other>",
    ]),
    (Intent.WHY_NOT, [
        r"{why}(?: and)? not(?: just)?(?: {say})? <foil>",
        r"{why} {aux} {it} (?:reject|avoid|rule out|dismiss|ignore|exclude|drop|skip|discard)(?:s|ed)?"
            r" <foil>",
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
        r"what (?:stopped|stops|kept|keeps|prevented|prevents|blocked|blocks|held|holds|hindered) {it}"
            r" (?:back )?(?:from )?{saying} <foil>",
        r"{why} {aux}{not} <text> {continue} <foil>",
        r"{why} {aux}{not} (<text>(?:the {text_word} )?{q}) {really}{say} <foil>",
        r"{why} {aux} (<text>(?:the {text_word} )?{q}){not} {really}{say} <foil>",
        r"{why} {aux} <text>{not} {continue} <foil>",
    ]),
    (Intent.TEXT, [
        r"(<text>{q})",
        r"what (?:is|are|comes?|would come|will come|follows?|does {it} {say}|would {it} {say}|will"
            r" {it} {say})(?: next| the next (?:word|token)| likely)*(?: after| for| to| given| next in"
            r"|:)? (<text>(?:the {text_word} )?{q})",
        r"(?:what|which) (?:next |following )?(?:word|token)s? (?:does|would|will|did) {it} {say}(?:"
            r" next)? (?:after|to|given|for) <text>",
        r"what (?:does|would|will|did) {it} (?:say|predict|answer|output|think|continue with)(?:"
            r" comes?)?(?: next)? (?:after|to|given|for) <text>",
        r"how (?:does|would|will) {it} (?:continue|complete|finish|end|extend) <text>",
        r"(?:let's |let us |now |next |we )*(?:try|explain|trace|analy[sz]e|look at|look into|take"
            r"|explore|do|run|consider|show me|use|start with|what about|how about|continue|complete"
            r"|here is|here's|test|study)(?: it)?(?: with| on)? (?:{the}(?:(?:other|new|another|next"
            r"|following) )*{text_word}:? )?(<text>{q})(?: instead| next| now)?",
        r"(?:(?:and |now |then |please |explain |try |trace |analy[sz]e |look at |a |an |the |this |my "
            r"|here is |here's |following )*(?:another|new|next|different|other|other one)?"
            r" ?)?{text_word}: <text>",
    ]),
    (Intent.WORDS, [
        r"(?:which|what) (?:(?:input|other|single|individual|of the|of my) )*(?:words?|tokens?|parts?"
            r"|inputs?|pieces?|bits?)(?: .*)?",
        r"(?:highlight|show|list|mark|point out|rank|give)(?: me)? (?:the |all )?(?:(?:most |more"
            r" )?(?:important|relevant|influential|key|salient|main|decisive) )?(?:input )?(?:words"
            r"|tokens|inputs)(?: .*)?",
        r"what (?:in|about|part of|parts of) (?:the|my|this) (?:text|prompt|sentence|input)(?: .*)?",
        r"where(?: in the \w+)? {aux} {it} (?:look|attend|focus)(?: .*)?",
        r"what {aux} {it} (?:really |mostly |mainly )?(?:pay|paying|look|looking|attend|attending|focus"
            r"|focusing|rely|relying|depend|base)(?: attention| its answer)*(?: (?:to|at|on))?(?:"
            r" .{0,20})?",
    ]),
    (Intent.PATH, [
        r"(?:which|what|through (?:which|what)) (?:attention )?heads? (?:{aux} )?(?:carry|carries|moves?"
            r"|connects?|links?|takes?|brings?|pass|passes|transports?|sends?)"
            r" (?:the (?:information|signal) )?(?:from )?<group> (?:to|with|and|into|on to) <other>",
        r"(?:which|what|through (?:which|what)) (?:attention )?heads? {aux} <group> (?:reach|get to|go to"
            r"|go through to|flow to|pass|use|take)(?: to(?: reach)?)? <other>",
        r"how (?:does|do|did|can) (?!{it} |(?:the )?(?:information|signal|activation) )<group>"
            r" (?:reach|arrive at|get (?:in)?to|make it to|find its way to) <other>"
            r"(?:[.,;?]* (?:through|by|via|over) (?:which|what) (?:attention )?heads?)?",
        r"(?:which|what) (?:attention )?heads? (?:matters?|are (?:used|important|involved)|do the work"
            r"|(?:is|are) responsible|{aux} {it} use)(?: .*)?",
        r"(?:show|tell|explain|trace|walk|take|guide|lead|describe|follow|how|what)\b(?:.{0,60})? from"
            r" <group> to <other>",
        r"how (?:does|do|did) (?!{it} )<group> (?:lead|get|turn|connect|flow|contribute|go|point)"
            r" (?:in)?to <other>",
        r"how (?:does|do|did) (?!{it} )<group> (?:become|produce|cause|trigger|activate) <other>",
        r"(?:{ask} (?:.{0,40} )?|the )?(?:strongest|main|most important|biggest|shortest|key|dominant"
            r"|whole|full|causal) {path}",
        r"{ask} (?:.{0,40} )?(?:strongest|main|most important|biggest|shortest|key|dominant|whole|full"
            r"|complete|entire|causal) {path}(?: .*|[,:;].*)",
        r"(?:which|what) {path}s? .{1,60}",
        r"(?:walk|take|guide|lead|talk) (?:me|us) (?:step by step )?through .*",
        r"(?:explain|describe|show|trace|follow|draw|summari[sz]e)(?: me)? (?:the|its|this) {path}s?(?:"
            r" .*)?",
        r"how (?:does|do|did) (?:the )?(?:information|signal|it|activation) (?:flow|travel|get|go|move"
            r"|pass|reach)(?: .*)?",
        r"(?:go )?step by step",
    ]),
    (Intent.COMPARE, [
        r"(?:compare|contrast)(?: (?:it|this|that|{the}{text_word}))? (?:with|to|against|versus|vs\.?)"
            r" (?:the {text_word} )?<other>",
        r"(?:compare|contrast) <text> (?:with|to|against|versus|vs\.?) <other>",
        r"(?:compare|contrast) <text> and <other>",
        r"how (?:does|do|is|are|did) <text> (?:differ|differs|different|compare|compares|compared)(?:"
            r" (?:from|to|with|than|against))? <other>",
        r"what(?:'s|s| is| are) (?:the )?(?:differences?|different) (?:between|in) <text> (?:and|from"
            r"|to|than) <other>",
        r"what (?:changes|differs|is different|would change|would be different)(?: .{0,30})? (?:for"
            r"|with|in|if|on|from|to)(?: .{0,20})? (<other>{q})",
        r"is (?:it|this|that) (?:any different|the same|different) (?:as|from|to|than)(?: (?:for|with"
            r"|in))?(?: the {text_word})? <other>",
    ]),
    (Intent.WHY, [
        r"{why}",
        r"(<text>{q}) ?(?:->|→|=>|gives|predicts) ?(<said>{q}|\S+)",
        r"(?:explain )?<text> (?:->|→|=>) <said>(?:[,.;:!?–—-]+ (?:{why}|how|where|what)\b.*)?",
        r"{why}(?: {aux})? {it} (?:like|likes|prefer|prefers|preferred|favou?rs?|rank|ranks) <said>"
            r" (?:to|over|above|more than) <foil>",
        r"{why}(?: {aux})? (?:{answer}|{it}) (?:(?:should )?be )?{really}(?:that )?(?:it (?:is|was)"
            r" )?(?:{say}|{continue}) <said>",
        r"{why}(?: {aux})? {it} {really}(?:complete|continue|finish|extend|end|answer)(?:s|d|ed)?"
            r" <text> (?:with|as|by|using) <said>",
        r"{why}(?: {aux})? (?:{it} {really}(?:that )?)?<text> (?:should |would |will |must )?{continue}"
            r" <said>",
        r"{why} (?:is |was )?{the}(?:continuation|completion|next word|next token) (?:of|after|to|for)"
            r" (<text>{q})(?: is| was)? <said>",
        r"{why} (?:is|was) {the}(?:next|most likely|following|predicted|top) (?:word|token)(?: (?:after"
            r"|of|in|for|to))? (<text>{q}) <said>",
        r"{why}(?: (?:is|was))? {answer}(?: (?:is|was))? <said>",
        r"{why} {aux} (<text>(?:.{0,20} )?{q}) (?:get|have|receive|come out as) <said>",
        r"{why}(?: {aux})? (<text>(?:the {text_word} )?{q}|(?-i:[A-Z])\S*(?: \S+){2,})"
            r" (?:should |would |will )?{really}{say} <said>",
        r"what (?:makes|made) <said> (?:more |so |the most )?(?:likely|probable)(?: than <foil>)?",
        r"explain (?:the|its|this) (?:answer|prediction|output|word|token|choice) <said>",
        r"(?:for|by) (?:what|which) (?:reason|cause|mechanism) {aux} {it} {say} <said>",
        r"where (?:does|do|did) {the}(?:answer|prediction|output|word|token)? ?<said> come from",
        r"what (?:is it that |was it that )?(?:made|makes|caused|causes|leads?|led|forces?|forced|gets?"
            r"|got) {it} (?:to )?{really}{say} <said>",
        r"what(?:'s|s| is| was| are)? (?:the |your )?(?:reasons?|cause|explanation|mechanism|logic)?(?:"
            r" why| that| for| of| behind)? {it} {say} <said>",
        r"what(?:'s|s| is| was) (?:the |your )?(?:reasons?|cause|explanation|mechanism|logic|behind)(?:"
            r" (?:for|of|behind))?(?: {the}(?:answer|prediction|output|word|token))? <said>",
        r"what (?:causes?|caused|explains?|explained|drives?|drove|triggers?|triggered|produced?)(?:"
            r" {the}(?:answer|prediction|output|word|token))? <said>",
        r"how {aux} {it} (?:come up with|arrive at|get to|get|know|decide on|figure out|reach|land on"
            r"|produce|guess|find|pick|choose)(?: that| to say)?(?: (?:it|{answer})(?:'s| is| was|"
            r" should be))? <said>",
        r"{why} (?:is|was|did|does) <said> {chosen}",
        r"{why} {aux} {it} do (?:that|this|it|so)",
        r"{why} (<said>(?!{aux}\b|are\b|do\b|am\b)\S+(?: \S+){0,7})",
    ]),
    (Intent.USES, [
        r"{aux} {it} {really}(?:using|use|rely|relying|look|looking|depend|depending|need|needing"
            r"|considering|consider|pay|paying|read|reading|attend|attending|based|know|care|caring)(?:"
            r" attention)?(?: (?:on|at|to|about))? <group>",
        r"{aux} (?:the |its |this )?(?:answer|prediction|output|result) {really}(?:depend|rely|hinge"
            r"|rest|based)(?:ing)?(?: on)? <group>",
        r"{aux} <group> {really}(?:matter|count|contribute|affect|impact|(?:do|doing|contribute|contributing)"
            r" (?:something|anything)|play a (?:role|part)|make a difference|have an effect|do anything"
            r"|help|influence)(?: .*)?",
        r"(?:is|was|are|were) <group> (?:at all )?{really}(?:used|needed|necessary|important|essential"
            r"|required|relevant|involved|causal|responsible|crucial)(?: .*)?",
        r"how (?:important|relevant|crucial|necessary|much does) (?:is |was )?<group>(?: matter)?",
        r"you (?:must |have to |will |would )?(?:agree|admit|concede) (?:that )?<group> (?:is|was|lies)"
            r" (?:behind|the (?:reason|cause)|responsible|what)\b.*",
        r"{it} (?:must|has to|can only|should) be (?:only |just |simply )?(?:because of|due to|thanks to"
            r"|down to) (<group>{q}|\S+)(?:,.*)?",
    ]),
    (Intent.NODE, [
        r"what {aux} (<group>{ref}) (?:do|mean|stand for|represent|encode|detect|respond to|fire on"
            r"|fires on|promote|look for|react to)(?: .*)?",
        r"what (<group>{ref}) (?:does|do|means?|stands? for|represents?|encodes?)(?: .*)?",
        r"what {aux} (?!{it} )(<group>\S+(?: \S+){0,3}) (?:do|stand for|represent|encode|detect)(?: here)?",
        r"what(?:'s|s| is| are)(?: in| inside)? (<group>(?!the (?:role|meaning|function"
            r"|purpose)){ref})(?: (?:for|about|made of))?",
        r"(?:tell me (?:more )?about|describe|explain|show me|show|what about|interpret|inspect|zoom in"
            r" on|(?:give me |show me )?(?:some |the |more )*(?:info|information|details?|more|facts)"
            r" (?:of|on|about|for)) (<group>{ref})",
        r"(?:who|what|which|list|show)(?: me)?(?: (?:are|is|features are|features))?(?: the)? members"
            r" of <group>",
        r"what role {aux} <group> play(?: .*)?",
        r"what(?:'s| is) the (?:role|meaning|function|purpose|job|point|label|description) of <group>",
        r"(?:which|what) (?:features|nodes|neurons|members) (?:are|is) (?:in|inside|part of) <group>",
        r"(?:what|when) (?:fires|activates|triggers|excites|turns on|does) (<group>{ref})(?: fire|"
            r" activate)?(?: on| for)?",
    ]),
    (Intent.SEARCH, [
        r"(?:search|find|look up|look for|show|list|get|give|are there|is there|which|what|do you have"
            r"|do you know)(?: me)?(?: (?:for|any|some|all|the|a|up))* {features}(?: (?:are|is|have|has"
            r"|there|exist|that have|that are))*(?: {about}) <other>",
        r"(?:any |some |all )?{features} {about} <other>",
        r"(?:search|find|look up|look for)(?: (?:for|me|any|some|all|the))* (<other>\S+(?: \S+){0,2}?)"
            r" {features}",
        r"(?:search|find|look up|look for)(?: (?:for|up|me))*(?: by meaning:?)? <other>",
    ]),
    (Intent.TEXT, [
        r"(?:let's |let us |now |next )*(?:explain|trace|analy[sz]e|explore|try) (?!(?:that|this|it|to|me"
            r"|the (?:answer|continuation|result|choice|prediction|reasoning|graph|circuit|output))\b)"
            r"(<text>\S+(?: \S+){2,})",
    ]),
]  # fmt: skip


@cache
def compile_patterns() -> list[tuple[Intent, list[re.Pattern[str]]]]:
    """The phrases, ready to match."""
    rows = (*CONCEPTUAL, *IDIOMS, *PHRASES)
    return [(intent, [compile_phrase(phrase) for phrase in phrases]) for intent, phrases in rows]
