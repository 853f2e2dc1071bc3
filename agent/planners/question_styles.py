"""Which answer fits a question, and which questions go together."""

from typing import Any

from agent.questions import Intent

EXPLAIN = {Intent.WHY, Intent.WHY_NOT, Intent.TEXT, Intent.MISTAKE, Intent.USES}
FROM_GRAPH = {
    Intent.PATH: "path",
    Intent.WORDS: "words",
    Intent.SURE: "sure",
    Intent.EVIDENCE: "evidence",
}
FRESH = EXPLAIN | {Intent.MAKE}  # questions that start a case of their own
REPORTED = FRESH | {Intent.HOLDS, Intent.COMPARE, Intent.SWAP, Intent.INTERVENE, Intent.NODE}
NAMED = {Intent.INTERVENE, Intent.SWAP, Intent.NODE}  # questions about one group or feature
WANTED = {Intent.MAKE, Intent.MISTAKE}  # questions for the smallest change
STYLES: dict[Intent, Any] = {
    Intent.CONCEPTS: "concepts",
    Intent.LAYER: "first-layer",
    Intent.LENGTH: "simply",
    **dict.fromkeys(EXPLAIN, "why"),
    **FROM_GRAPH,
    Intent.INTERVENE: "intervene",
    Intent.SWAP: "intervene",
    Intent.NODE: "node",
    Intent.MAKE: "make",
    Intent.HOLDS: "holds",
    Intent.COMPARE: "compare",
}
