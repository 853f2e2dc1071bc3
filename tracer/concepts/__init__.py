"""Concepts held in the residual stream: found with a concept lens, changed, and followed to the answer."""

from tracer.concepts.chain import Chain, TestedNode, follow, reading_of
from tracer.concepts.change import Change, Clamp, Effect, Reading, measure
from tracer.concepts.controls import DrawnControls, ablation_controls, exchange_controls, p_value
from tracer.concepts.effects import AblationTest, Specificity, measure_specificity, try_ablation
from tracer.concepts.find import ConceptNode, find_concepts
from tracer.concepts.kinds import Alternative, contrast_direction, find_alternatives, is_content, same_kind
from tracer.concepts.operations import Held, ablate, displacement, exchange, scale
from tracer.concepts.subspace import Subspace, span
from tracer.concepts.swaps import Swap, SwapTest, find_partners, swap_concepts
from tracer.concepts.words import Words, nameable_words

__all__ = [
    "AblationTest",
    "Alternative",
    "Chain",
    "Change",
    "Clamp",
    "ConceptNode",
    "DrawnControls",
    "Effect",
    "Held",
    "Reading",
    "Specificity",
    "Subspace",
    "Swap",
    "SwapTest",
    "TestedNode",
    "Words",
    "ablate",
    "ablation_controls",
    "contrast_direction",
    "displacement",
    "exchange",
    "exchange_controls",
    "find_alternatives",
    "find_concepts",
    "find_partners",
    "follow",
    "is_content",
    "measure",
    "measure_specificity",
    "nameable_words",
    "p_value",
    "reading_of",
    "same_kind",
    "scale",
    "span",
    "swap_concepts",
    "try_ablation",
]
