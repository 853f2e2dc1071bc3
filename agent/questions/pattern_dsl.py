"""The word lists that phrases are made of, and how a phrase becomes a regular expression.

In a phrase `{name}` is a word list from WORDS, `<slot>` the words that fill a slot and
`(<slot>pattern)` the same where they fit the pattern. White space is always one space, and a quoted
part one character, `{q}`.
"""

import re
from functools import cache

from agent.questions.quoting import ANY_MARK

# What orders multiply activations by; stems, so that remove, removed and removing are one.
_STEMS = {
    0.0: "remov|delet|ablat|drop|kill|disabl|silenc|suppress|mut|block|eras|eliminat|lesion|deactivat|inhibit"
    "|zero|knock",
    0.5: "halv|weaken|dampen|reduc|decreas|lower",
    2.0: "doubl|amplif|boost|strengthen|increas|rais|enhanc",
    3.0: "tripl",
    4.0: "quadrupl",
    -1.0: "flip|invert|negat|revers",
}
FACTORS = {stem: factor for factor, stems in _STEMS.items() for stem in stems.split("|")}

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
    "verb": "(<verb>(?:" + "|".join(FACTORS) + r")\w*(?: out| off)?"
    r"|cut(?:ting)? out|(?:take|took|taking) (?:away|out)|(?:get|getting|got) rid of"
    r"|(?:turn|switch|shut)(?:ed|ing)? (?:off|down|up))",
    "amount": r"(?:(<how>(?:by|to|with|at|times|x|×)(?: a factor(?: of)?| factor)?) )?"
    r"(<amount>-?\d{0,15}[.,]?\d{1,15} ?(?:%|percent|x|×|times)?|zero|nothing|half|a half|a quarter|twice"
    r"|two|three|four|five|ten)(?: times)?",
    "times": r"(<amount>-?\d{0,15}[.,]?\d{1,15} ?(?:%|percent|x|×|times)?|half|twice|two times|three times"
    r"|double|triple)(?: times)? (?:as|(<more>more|stronger|bigger|larger)|the|its)(?: (?:strong|active|big"
    r"|large|strength|size|high|much))*(?: as .*)?",
    "features": r"(?:features?|neurons?|nodes?|units?|latents?|descriptions?)",
    "about": r"(?:about|by meaning|for|with|on|of|like|to do with|concerning|regarding|matching"
    r"|(?:related|similar|close) to|connected (?:to|with)|that (?:mean|say|fire on|promote|are about"
    r"|have to do with"
    r"|deal with|relate to|respond to|know)|(?:deal|dealing) with|knows? (?:about|of)|responds? to"
    r"|fires? on|meaning|promoting|firing on):?",
    "text_word": r"(?:text|sentence|prompt|input|phrase|example|one|words)",
}


@cache
def compile_phrase(phrase: str) -> re.Pattern[str]:
    """A phrase as a regular expression over the whole question."""
    pattern = phrase
    while re.search(r"\{[a-z_]+\}", pattern):
        pattern = re.sub(r"\{([a-z_]+)\}", lambda found: WORDS[found[1]], pattern)
    pattern = re.sub(r"\(<([a-z]+)>", r"(?P<\1>", pattern)
    # A text may hold any of the words around it, so it reaches as far as it can; the others don't.
    pattern = re.sub(r"(?<!P)<text>", "(?P<text>.+)", pattern)
    pattern = re.sub(r"(?<!P)<([a-z]+)>", r"(?P<\1>.+?)", pattern)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
