"""Which answer fits a question, and which questions go together."""

from typing import Any

from agent.questions import Intent

EXPLAIN_INTENTS = {Intent.WHY, Intent.WHY_NOT, Intent.TEXT, Intent.MISTAKE, Intent.USES}
GRAPH_STYLES = {
    Intent.PATH: "path",
    Intent.WORDS: "words",
    Intent.SURE: "sure",
    Intent.EVIDENCE: "evidence",
}
NEW_EXPLANATION_INTENTS = EXPLAIN_INTENTS | {Intent.MAKE}  # questions that start a case of their own
REPORTED_INTENTS = NEW_EXPLANATION_INTENTS | {
    Intent.HOLDS,
    Intent.COMPARE,
    Intent.SWAP,
    Intent.INTERVENE,
    Intent.NODE,
    Intent.STEER,
}
GROUP_INTENTS = {Intent.INTERVENE, Intent.SWAP, Intent.NODE}  # questions about one group or feature
WANTED_TOKEN_INTENTS = {Intent.MAKE, Intent.MISTAKE}  # questions for the smallest change
STYLES: dict[Intent, Any] = {
    Intent.CONCEPTS: "concepts",
    Intent.LAYER: "first-layer",
    Intent.LENGTH: "simply",
    **dict.fromkeys(EXPLAIN_INTENTS, "why"),
    **GRAPH_STYLES,
    Intent.INTERVENE: "intervene",
    Intent.SWAP: "intervene",
    Intent.NODE: "node",
    Intent.MAKE: "make",
    Intent.HOLDS: "holds",
    Intent.COMPARE: "compare",
    Intent.STEER: "intervene",
}
