"""Further ways to ask, tried before `patterns`, which would take some of them for something else.

Written as there; each row was asked for by a question that was misread.
"""

from agent.core import Intent

_RIGHT = r"(?:the |its )?(?:right|correct|real|true|actual|expected) (?:answer|word|token|continuation)"
_SHOULD = rf"(?:(?:it|{{answer}}) (?:should|ought to) (?:be|have been|say|have said)|{_RIGHT}" + (
    r" (?:is|was|would be|would have been|should be|should have been))"
)
_FOUND = r"(?:circuit|group|explanation|mechanism|path|story|finding|result|effect|pattern|thing)s?"
_HOLDS = r"(?:work|hold|apply|matter|happen|show up|carry over|count|operate|transfer|go)s?(?: up| true)?"
_SMALL = r"(?:minimal|minimum|smallest|least|tiniest|simplest|fewest)"
_CHANGE = r"(?:intervention|change|edit|modification|neuron|feature|tweak|step|fix)s?"

_SEVERAL = r"[sl]\d+(?:[./]?[nf]\d+[+-]?)?(?:(?:,| and| or|,? ?&| \+)+ ?[sl]\d+(?:[./]?[nf]\d+[+-]?)?)*"

IDIOMS: list[tuple[Intent, list[str]]] = [
    (Intent.INTERVENE, [
        rf"(?:also |and |please |now |then )*(?:test|check|try)(?: out)?(?: also)? (?:the "
            rf"|group )?(<group>{_SEVERAL})(?: too"
            r"| as well| also| next| now)*",
        rf"(?:{{do}} )?(?:turn|switch|shut)(?:ed|ing)? (?:the )?(?:groups? )?(<group>{_SEVERAL}) (<verb>off"
            rf"|down"
            r"|up|out)(?:,? (?:and |then )+(?:tell|show|see|report|give|look|say|what|how|rerun|run"
            r"|let)\b.*)?",
        rf"(?:{{do}} )?(?:turn|switch|shut)(?:ed|ing)? (<verb>off|down"
            rf"|up) (?:the )?(?:groups? )?(<group>{_SEVERAL})",
        rf"(<group>{_SEVERAL}) (<verb>off|down|up|out)",
    ]),
    (Intent.SWAP, [
        r"(<group>\S+(?: \S+)?) ?(?:->|→|=>) ?(<other>\S+(?: \S+)?)[,.;]? (?:and )?(?:what (?:happens|then"
            r"|now|comes|changes|does)|see|then"
            r"|show|tell)\b.*",
    ]),
    (Intent.NODE, [
        rf"(?:show|give|find|list|get|what|which|where)\b.{{0,60}}\b(?:activate|activates|activating"
            rf"|turn on|turns on|fire|fires"
            rf"|excite|excites|trigger|triggers|light up|lights up|for|of|with"
            rf"|that)\b.{{0,12}} (<group>{_SEVERAL})(?: .{{0,20}})?",
        rf"(?:what|which) (?:texts?|words?|tokens?|examples?|inputs?|things?|kinds? of .{{1,20}}"
            rf"|sort of .{{1,20}}) (?:.{{0,20}} )?(?:activate"
            rf"|activates|turn on|turns on|fire|fires|excite|trigger|triggers|does"
            rf"|do)\b.{{0,12}} (<group>{_SEVERAL})(?: .{{0,20}})?",
        r"what(?:'s|s| is) (?:that|this|the) (<group>{q}|\S+) (?:group|one|supernode"
            r"|feature)\b[,.;]? (?:and )?(?:what|which|how|when).*",
    ]),
    (Intent.EVIDENCE, [
        r"(?:the )?(?:measured|predicted|observed|forecast|expected) (?:vs\.?|versus|and|against|or|beside"
            r"|with)"
            r" (?:the )?(?:measured|predicted|observed|actual|seen|forecast|expected)\b.*",
    ]),
    (Intent.USES, [
        r"(?:is|was|are|were) (<group>{q}|(?:the )?(?:word |token |name )?\S+|the \S+ group)"
            r" (?:really |actually )?(?:doing|pulling|carrying)"
            r" (?:any(?:thing| work| weight)?|some(?:thing| work)|its weight|a thing|much|real work)\b.*",
        r"(?:is|was) (<group>{q}|(?:the )?(?:word |token |name )?\S+|the \S+ group) (?:just |only |merely )?"
            r"(?:a )?(?:spectator|bystander|passenger|decoration|along for the ride|there for show)\b.*",
    ]),
    (Intent.PATH, [
        r"(?:what|which|show|list|give|tell)\b(?:'s|s| is| are| me)*(?: the)?(?: \w+)? (?:edges?"
            r"|connections?|links?"
            r"|arrows?|inputs?)(?: \w+)? (?:in)?to (?:the )?<other>(?: (?:logit|node|token|answer))?",
        r"(?:which|what|are|is|do|does|any|show(?: me)?)\b(?: the| me)?(?: .{0,20})? ?(?:attention"
            r"|induction|copying|mover) heads?\b"
            r"(?!.*\bfrom\b)(?!.*\bto\b).*",
    ]),
    (Intent.WHY_NOT, [
        r"(?:the )?logits? ?\(? ?(?:of )?(<said>[^()\s]+) ?\)? ?(?:-|−|–|minus|vs\.?|versus|over|against)"
            r" ?(?:the )?(?:logits? )?\(?(?:logit ?\( ?)?(?:of )?(<foil>[^()\s:,;?]+) ?\)?\W*(?:[:,;?–-]"
            r" ?.*|\s.*)?",
        r"(?:what|which)(?:'s| is|s)? .{0,20}(?:gives?|gave|drives?|tips?|makes?) (<said>(?-i:[A-Z])\S*|{q})"
            r" (?:the edge |win |beat |ahead |lead |come out )*(?:over|against|ahead of|beat|above"
            r"|before) <foil>",
        r"(?:but )?(<foil>\S+)(?:'s| is| was| has| had) .{1,50}[,;.:–-]+ ?(?:so |then )?{why}"
            r"(?:'d| did| does| would) (?:it|that|this|that one|he|she)"
            r" (?:lose|come second|fall behind|go under|drop out)(?:\W.*)?",
        r"{why}(?:'d| did| does) <foil> (?:lose|lose out)(?: to .{1,30})?",
    ]),
    (Intent.MISTAKE, [
        r"(<text>{q}) ?(?:->|→|=>|:|gave|gives) ?<said>[?!.,;( –-]+(?:but |no,? |nope,? |wrong,? |actually )*"
            r"(?:it|that|the answer|the right one)(?:'s| is| should be| was| ought to be) "
            r"(?:actually |really |clearly |obviously )?(?!wrong|not|false|obvious|clear|odd|strange|weird"
            r"|funny|true|right|correct|why|how)(<foil>{q}|\S+(?: (?-i:[A-Z])\S+)?)[).!? ]*",
        r".*\bi (?:wanted|expected|need|hoped for) <foil>[.,;!?]+ (?:so )?(?:why|where|what"
            r"|explain)\b.*\b(?:mistake|error|wrong|fail"
            r"|bug)\w*\b.*",
        r".*\b(?:correct|right)(?: one| answer)? (?:is|was|would be) <foil>[.,;!?]+ (?:so )?(?:why|where"
            r"|what|explain)\b.*",
    ]),
    (Intent.WHY, [
        r"(?:.{0,40} )?how {it} (?:got|gets?|went|goes|comes?|came) from (<text>{q}) to <said>",
    ]),
    (Intent.WHY_NOT, [
        r"<foil> (?:would|wud|woulda|would've) (?:have )?(?:made|make|been|be) (?:more sense|better"
            r"|more likely|right|more logical"
            r"|my guess)(?: .{0,30})?",
        r"i (?:thought|figured|assumed|was sure|guessed|expected|was expecting) (?:it (?:would|wud|to"
            r"|'d) (?:say|be|answer)"
            r"|the answer (?:would be|was|is)) <foil>",
    ]),
    (Intent.MISTAKE, [
        rf"(?:this|that|it|{{answer}}) (?:is|was) (?:wrong|false|incorrect"
            rf"|not right)[.,;:!]+ {_SHOULD} <foil>"
            r"(?:[.,;!?]+(?: .*)?)?",
        r"(<text>{q}) (?:is |was )?{continue} <said>,? (?:which|and that|but that|this|that)(?: is|'s"
            r"| was) (?:wrong"
            r"|incorrect|false|a mistake)[.,;:!]+ ?(?:it should be )?(<foil>\S+?)(?: (?:would be|is"
            r"|would have been)"
            r" (?:right|correct))?(?:[.,;!?]+(?: .*)?)?",
        r"<foil> (?:is|was|would be|would have been) (?:the )?(?:right|correct|true)(?: answer| word| one)?"
            r"[.,;!?]+ .*",
        r".*\b(?:right|correct|wanted|true) (?:answer|one|word|token) (?:gets?|is|was|goes|got) (?:lost"
            r"|outweighed"
            r"|suppressed|beaten)\b.*",
        r"what (?:would|will|could|can|does) (?:repair|fix|correct|mend) (?:it|this|that)(?: .*)?",
        r"{why} {aux} {it} (?:fail|err|go wrong)(?: (?:on|for|with|in|at|here)\b.*)?",
        r"{it} (?:got|has|had|gets) (?:it|this|that) wrong[,;.:!]+ ?(?:it|that|the \w+) ?(?:'s|is|was"
            r"|should be)"
            r" <foil>(?:[.,;!?]+(?: .*)?)?",
        r"(?:this|that|it|{answer}) (?:is|was)(?: not|n't) (?:the )?(?:right|correct|true)\b.*",
        rf"(?:{{why}} (?:{{aux}} )?)?(<text>{{q}}) (?:{{continue}}|gives?|says?"
            rf"|is answered with) <said>[,;.!?]+"
            rf" ?(?:but |yet |although |while )?{_SHOULD} <foil>(?:[,;.!?]+(?: .*)?)?",
        rf"{{why}} (?:{{aux}} )?{{it}} {{say}} <said>[,;.!?]+ ?(?:but |yet )?{_SHOULD} <foil>"
            r"(?:[,;.!?]+(?: .*)?)?",
        rf"(?:.{{0,40}}[.,;:!] )?{_SHOULD} <foil>[,;.!?]+ .*",
        r"(?:(?:actually|in fact|really|no),? )?(?:the|its) (?:\w+ ){1,3}(?:is"
            r"|was) <foil>[.;!,] (?:so )?(?:why|where"
            r"|how) (?:did|does|do|has) {it} (?:fail|go|went|get|miss|err|make|slip|say).*",
        r"(?:explain|describe|analy[sz]e|fix|repair|correct|mend)(?: me)? (?:the|this|that|its) (?:(?:wrong"
            r"|incorrect|false|bad|mistaken) \w+|mistake|error|failure)(?: .*)?",
        r"(?:how|what|which) .{0,40}(?:fix|repair|correct|mend)(?:ed|s)? (?:it|(?:the|this|that"
            r"|its) (?:mistake"
            r"|error|failure|answer|prediction))(?: .*)?",
    ]),
    (Intent.WHY_NOT, [
        r"what (?:makes?|made) <foil> (?:so |less )?(?:unlikely|improbable|lose|a bad answer|rank low)\b.*",
        r"(?:and )?(<foil>\S+(?: \S+){0,2})[?,.!]+ why not(?: that| it| this)?",
        r"what(?:'s|s| is| was) wrong with (<foil>(?-i:[A-Z])\S*|{q})(?: as .*)?",
        r"what (?:speaks|counts|works|argues|is) against <foil>",
        r"i (?:expected|wanted|hoped for|would have said) <foil>[.,;!?]+ (?:so )?why .*(?:n't|not)\b.*",
        r"{why} (?:is|was|did|does) <foil> (?:ruled out|rejected|excluded|dismissed|discarded|dropped"
            r"|beaten"
            r"|left out|outranked|not (?:chosen|picked|said))(?: .*)?",
        r"how is it that <foil> (?:is|was|does|did){not} {chosen}",
        r"(?:.{0,60}? )?{say} <foil>[?.!,]+ (?:so )?why (?:does|did|is|was|can|will|would|do)(?:n't|nt"
            r"| it not"
            r"| not)(?: it)?",
        r"what (?:keeps?|kept|stops?|stopped|prevents?|prevented|holds?|held) <foil> (?:back"
            r"|(?:from )?(?:winning"
            r"|being|coming|getting)(?: .*)?)",
        r"{why} (?:does|did|do) <foil> (?:lose|lose out|come second|fall behind|fail|not win)(?: .*)?",
    ]),
    (Intent.MAKE, [
        rf"(?:which|what) {_CHANGE} (?:makes?|turns?|gets?|brings?) {{answer}} (?:into |to )?<foil>",
        r"what (?:needs?|has|have|must|ought|should|would have) (?:to )?(?:change|be changed|be different"
            r"|happen)"
            r" (?:for|so that) <foil> (?:to )?(?:wins?|comes? out|be said|be the answer|be chosen|is said)",
        rf"(?:find|show|give|look for)(?: me)? (?:the "
            rf"|a )?{_SMALL} .{{1,30}}{{it}} (?:would )?{{say}} <foil>",
        r"what (?:should|must|could|can|do) (?:i|we|one) (?:have to |need to )?(?:change|do|modify|edit"
            r"|remove) (?:so"
            r" that|in order that|until|for) <foil> (?:comes? out|wins?|is (?:said|the answer|chosen"
            r"|predicted)"
            r"|to (?:come out|win))",
        r"(?:get|make|let|have|force) {it} (?:to )?{say} <foil>",
        r"how (?:can|could|might) {answer} (?:be )?(?:turned|changed|flipped|made|become) (?:in)?to <foil>",
        r"(?:which|what) (?:group|neuron|feature|word|supernode)s? (?:do|must|should|would|have"
            r"|can) .{1,30} to"
            r" (?:get|obtain|see|have) <foil>",
        r"what (?:would|could) (?:convince|persuade|push|move|tip) {it} (?:of|to|towards"
            r"|into) (?:{saying} )?<foil>",
        r"i(?:'d| would)? (?:want|need|like|wish) <foil> (?:as|to be|for) (?:the )?(?:answer|output"
            r"|prediction)\b.*",
        rf"{_SMALL} .{{1,40}}(?:make|get|have|let) {{it}} (?:to )?{{say}} <foil>",
        rf"(?:find|show|give|tell|look for|search for|what(?:'s|s| is| are))(?: me)? (?:the |a )?{_SMALL}"
            rf"(?: number of| set of)? {_CHANGE} (?:.{{0,30}} )?(?:(?:gives?|yields?|gets?|produces?"
            rf"|leads? to"
            r"|results? in|flips? (?:it|{answer}) to|turns? (?:it|{answer}) into|obtain)|makes? {it} {say}"
            r"|make {it} {say}) <foil>",
        r"what(?:'s|s| is| are) (?:needed|required|necessary) to (?:turn|change|flip|make|get|bring|move"
            r"|push)"
            r" {answer} (?:(?:in)?to )?(?:be )?<foil>",
        r"is there (?:a|any|some) way (?:to|of|for) (?:have|having|make|making|get|getting) {it} (?:to )?"
            r"(?:{say}|{saying}) <foil>",
        rf"(?:what|which) {_CHANGE} (?:would|will|could|can|might|do|does) (?:lead|make|get|cause|bring"
            rf"|force"
            r"|push|let) {it} (?:to )?{say} <foil>",
        r"(?:how|what) .{0,30}(?:force|make|get|push|bring) (?:the |its )?(?:output|answer|prediction"
            r"|next word"
            r"|next token|result) (?:to be(?:come)?|into|be(?:come)?|to) <foil>",
        rf"(?:under|with|by|after|through|for) (?:what|which) {_CHANGE} (?:(?:does|would|will|do"
            rf"|could) )?(?:{{it}}"
            r" (?:would |will )?{say}|{answer} (?:become|be|turn into|change to|flip to)s?) <foil>",
        r"(?:flip|turn|change|switch|push|move|bring) {answer} (?:in)?to <foil>",
    ]),
    (Intent.HOLDS, [
        r"{aux} .{1,40} (?:if|when) (?:the |this )?{text_word} (?:is|was|were) (?:worded|phrased|put"
            r"|written|said"
            r"|formulated)\b.*",
        r"(?:and |so |or )?(?:what|how) about (<other>(?-i:[A-Z])\w+(?: (?-i:[A-Z])\w+)?(?:,| and| or) .+)",
        r"{aux} (<group>{ref}) (?:do|act|work|behave|have)\b.{0,20} (?:in|on|for"
            r"|with) {the}(<other>{other} .+)",
        r"{aux} .{1,40} (?:if|when|once) (?:i|we|you|one) (?:phrase|word|rephrase|reword|say|put|formulate"
            r"|write)\b.*",
        r"(?:check|test|see|find out|tell me) (?:whether|if) (?:this|that|it|the same) (?:also "
            r"|still )?(?:is|holds"
            r"|works|applies|happens|goes)(?: true| the same| the case)?(?: also)? (?:for|with|in"
            r"|on) <other>",
        r"is (?:this|that|it) (?:specific|special|peculiar|limited) to .{1,40} or .* (?:for|with|in"
            r"|on) <other>",
        rf"{{aux}} {{the}}(?:same )?{_FOUND} (?:also |still )?{_HOLDS} (?:for|with|in|on|to|across"
            rf"|over) <other>",
        rf"{{aux}} (<group>{{ref}}) (?:also |still )?{_HOLDS}(?: the same)? (?:for|with|in|on)"
            r" (<other>(?-i:[A-Z]).*?)(?:,? (?:too|as well|also))?",
        r"(?:test|try|check|run|repeat|do) (?:it|this|that|the same(?: thing| test)?)(?: again"
            r"| out)? (?:on|with"
            r"|for|over|in) (<other>(?:paraphrases|rephrasings|rewordings|other .+|different .+|some .+"
            r"|(?-i:[A-Z]).*))",
        rf"(?:is|are|was) (?:this|that|it|the|these|your)(?: {_FOUND})? (?:general|robust|universal|stable"
            r"|transferable)(?: (?:too|enough|at all|in general))?",
        rf"how (?:general|universal|transferable) (?:is|are) (?:this|that|it|these|the {_FOUND})(?: .*)?",
        rf"how (?:robust|stable) (?:is|are) (?:this|that|it|these|the {_FOUND}) (?:to|against|over|across"
            rf"|under)"
            r" <other>",
        rf"is (?:this|that|it|the {_FOUND}) (?:specific|special|peculiar|limited) to .+",
    ]),
    (Intent.COMPARE, [
        r"(<text>{q}) (?:versus|vs\.?|against|compared (?:to|with)) (<other>{q})",
        r"(?:put|set|place|lay|hold) (?:it|this|that) (?:next to|beside|against|alongside"
            r"|side by side with)"
            r" (<other>{q})",
        r"(?:which|what|how many) .{0,40}(?:share|shared|in common|overlap|common)\b.{0,20} (<other>{q})",
        r"(?:are|is|do|does) (<text>{q}) and (<other>{q}) .+",
        r"(?:how|where|in what way|what)\b.{0,50}(<text>{q}) (?:and|or|vs\.?|versus) (<other>{q}) .+",
        r"(?:the )?(?:difference|similarit(?:y|ies)|overlap)s? (?:to|with|from) (<other>{q})",
    ]),
    (Intent.SURE, [
        r"(?:is|are|was|were) (?:this|that|it|these|the \w+) (?:statistically |really )?(?:significant"
            r"|meaningful"
            r"|solid|beyond chance|by chance|chance|noise|a fluke|luck|robust)",
        r"(?:.* )?how (?:sure|certain|confident) are you",
        r"(?:could|might|can|may) (?:it|this|that|the \w+|these \w+) (?:just |merely |only "
            r"|all )?be (?:a |an |by"
            r" |due to |just |mere )*(?:coincidence|chance|luck|noise|random|accident|fluke|artefact"
            r"|artifact)",
        r"(?:can|could|should|may) (?:i|we|one) (?:really )?(?:trust|rely on|believe|depend on"
            r"|count on) (?:this"
            r"|that|these|those|it|the|your)(?: .*)?",
        r"do you (?:really |actually |truly )?(?:know|believe|trust) (?:that|this|it)(?: for sure)?",
        r"(?:what are |are there |any )?(?:the |any )?(?:limits|limitations|caveats|weaknesses)(?: .*)?",
    ]),
    (Intent.EVIDENCE, [
        r"(?:list|show|give|print)(?: me)? (?:the |your |all |all the )?(?:tests|experiments|measurements"
            r"|trials|claims)(?: .*)?",
        r"(?:show|tell)(?: me)? what {sentence} (<other>{number}) (?:is|was) (?:based|built|grounded"
            r"|founded) on",
        r"(?:what|which) (?:experiment|test|measurement|trial)s? (?:did|have|were|was|has) .{0,30}",
    ]),
    (Intent.SWAP, [
        r"{what_if} the \w+ (?:is|was|were|had been) <other> (?:instead of|rather than|not"
            r"|in place of) <group>",
        r"(?:give|lend|hand) <group> (?:the )?(?:activations?|values|features|neurons) (?:of|from) <other>",
        r"(?:pretend|suppose|imagine|assume|say) (?:that )?(?:it|the text|they) (?:was|were|is|said|read"
            r"|had) <other>"
            r" (?:instead of|rather than|not|in place of) <group>",
        r"(?:try|use|take|insert) <other> (?:instead of|in place of|rather than) <group>",
        r"(?:put|patch|slot|drop|sub|insert)(?: in)? <other>(?: in)? (?:for|in place of"
            r"|instead of) <group>",
        r"transplant <other> (?:in|on)?to <group>(?:'s (?:place|spot|position))?",
        r"use <other> (?:where|wherever|when) {it} (?:says|has|reads|said) <group>",
        r"(?:take|cut|pull) <group> out,? and (?:put|place|insert|use) <other>(?: in(?: its place)?)?",
    ]),
    (Intent.INTERVENE, [
        r"(?:{what_if}|.{0,30}what happens with|.{0,30}show me) <group> (?:is |was )?at"
            r" (<amount>half|a quarter|\d{1,4} ?(?:%|percent))(?: (?:of its )?(?:strength|power"
            r"|activation|size))?",
        r"{verb} <group> (<amount>(?:two|three|four|five|ten)fold)",
        r"what(?:'s|s| is| remains| stays)?(?: left)? if <group> (?:is|was|were|gets?"
            r"|got) (?:taken (?:away|out)"
            r"|gone|missing)",
        r"(?:turn|switch) <group> (<verb>around|round)",
    ]),
    (Intent.USES, [
        r"(?:is|are|was) <group> {really}(?:doing|of) (?:any|some|much) (?:work|use|importance"
            r"|influence)(?: .*)?",
        r"(?:the )?(<group>{ref}),? (?:is|are|does|do|was) (?:it|they|that) {really}(?:used|matter|needed"
            r"|count"
            r"|important|do anything)\b.*",
        r"{aux} {the}(?:word|token|name|phrase|part|comma|group)s? (<group>{q}|\S+) {really}(?:have|has"
            r"|play|make"
            r"|exert|matter|count|do|contribute|influence|help)\b.*",
        r"(?:would|will|does|could) {the}(?:answer|prediction|output|result) (?:survive|hold|stay|remain"
            r"|stand"
            r"|be)(?: the same)? without <group>",
        r"how (?:much|strongly|far) (?:does|do|did|would) (?:{it}|{answer}) {really}(?:depend|rely|lean"
            r"|count"
            r"|rest|build|hinge) (?:up)?on <group>",
    ]),
    (Intent.NODE, [
        r"(?:explain|describe|summari[sz]e|interpret) (<group>{ref})(?: to me| for me| a bit)?",
        r"(<group>{ref}) ?[-–:,]+ ?what (?:does|do|is|did) (?:it|that|this)\b.*",
        r"(?:the )?(?:meaning|function|role|purpose|job|description|point) of (<group>{ref})",
    ]),
    (Intent.PATH, [
        r"(?:by|via|over|through) (?:which|what) (?:attention )?heads? (?:does|do|did) <group> (?:reach"
            r"|get to"
            r"|go to|arrive at|flow to) <other>",
        r"what (?:are|were) (?:the )?(?:intermediate|middle|single|individual|inner) .+",
        r"(?:trace|show|follow|explain|give)(?: me)? the (?:way|path"
            r"|route) from (?:the )?input to (?:the )?\w+",
    ]),
    (Intent.WHY, [
        r"what(?:'s|s| is) the (?:story|logic|idea|thinking|cause) (?:behind|with|of) <said>(?: here)?",
        r"i(?:'m| am) (?:curious|wondering|interested|puzzled|confused)(?: to know| about"
            r"| by)? why {it} {say} <said>",
        r"how (?:is|was|did) <said> (?:chosen|picked|selected|preferred|get chosen|win)(?: (?:over"
            r"|instead of"
            r"|rather than|against) <foil>)?",
        r"(?:which|what) (?:internal |inner )?(?:features|neurons|groups|computations?) (?:lead|leads|led"
            r"|point|push"
            r"|pushes) (?:to|towards) <said>",
        r"{why} {aux} (?:i|we) (?:get|see|obtain) <said>",
        r"(?:the )?reasons? (?:for|behind|of) <said>",
        r"where (?:did|does) {it} (?:get|take|have) <said> from",
        r"(<text>{q}) (?:is|was) (?:completed|continued|followed) (?:with|by) <said>[.,;]+ (?:why|what|how"
            r"|explain)\b.*",
        r"(?:i|we) (?:give|gave|type|typed|feed|fed|enter|entered)(?: {it})? (<text>{q}),? (?:and"
            r"|then)(?: (?:i|we|it))?"
            r" (?:get|gets|got|see|says?|said|answers?) <said>[.,;!?]+ (?:so )?why\b.*",
        r"what (?:led|brought|drew|pushed|tipped) {it} (?:in)?to(?:wards)? (?:{saying} )?<said>",
        r"(?:which|what) (?:computation|circuit|mechanism|neurons?|features?|process) (?:produces?"
            r"|yields?|gives?"
            r"|makes?|leads? to|outputs?|is behind|are behind) <said>(?: (?:after|for|in|on"
            r"|from) (<text>{q}))?",
        r"what (?:pushes|drives|moves|tips|leads|steers|draws|pulls) {it} (?:towards?|to|into) <said>",
        r"{why} (<text>{q}) (?:is|was|gets?|got) (?:completed|continued|followed|finished|extended"
            r"|answered)"
            r" (?:by|with) <said>",
        r"where (?:does|do|did) {the}<said> (?:in|of) (?:the|its|your) \w+ come from",
        r"{why} <said> (?:comes?|came|is|was|ends?|ended|ranks?) (?:up |out )?(?:on top of|ahead of"
            r"|before|above"
            r"|over) <foil>",
        r"{why} (?:is|was) <said> {the}(?:prediction|answer|output|choice"
            r"|result)(?: here)?,? (?:and )?(?:not"
            r"|rather than|instead of|over) <foil>",
        r"what (?:is|was) the (?:mechanism|reason|process|way|circuit) (?:by|for|through"
            r"|in) which {it} {say}"
            r" <said>",
        r"account for {the}(?:prediction|answer|output|choice|word|token)(?: of)? <said>",
        r"(?:tell|give|show)(?: me)? {the}(?:reason|cause|explanation)s? (?:of|for|behind) (?:this|that"
            r"|the|its)"
            r" (?:answer|prediction|output|choice)",
        r"why'd {it} {say} <said>",
    ]),
    (Intent.TEXT, [
        r"(?:next|then|now)(?: text| one| up)?: ?(<text>{q})",
    ]),
]  # fmt: skip
