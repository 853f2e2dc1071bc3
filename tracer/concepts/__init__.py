"""Concepts held in the residual stream: found with a concept lens, changed, and followed to the answer."""

from tracer.concepts.carry import Carried, Carrier, find_carriers
from tracer.concepts.chain import Chain, TestedNode, follow, reading_of
from tracer.concepts.change import Change, Clamp, Effect, Reading, measure
from tracer.concepts.controls import DrawnControls, ablation_controls, exchange_controls, p_value
from tracer.concepts.effects import AblationTest, Specificity, measure_specificity, try_ablation
from tracer.concepts.find import ConceptNode, find_concepts
from tracer.concepts.kinds import Alternative, contrast_direction, find_alternatives, is_content, same_kind
from tracer.concepts.operations import Held, ablate, displacement, exchange, scale
from tracer.concepts.predict import ConceptForecast, forecast
from tracer.concepts.share import ExplainedShare, explain_share
from tracer.concepts.subspace import Subspace, span
from tracer.concepts.swaps import Swap, SwapTest, find_partners, swap_concepts
from tracer.concepts.words import Words, nameable_words
from tracer.concepts.writers import Writer, find_writers

__all__ = [
    "AblationTest",
    "Alternative",
    "Carried",
    "Carrier",
    "Chain",
    "Change",
    "Clamp",
    "ConceptForecast",
    "ConceptNode",
    "DrawnControls",
    "Effect",
    "ExplainedShare",
    "Held",
    "Reading",
    "Specificity",
    "Subspace",
    "Swap",
    "SwapTest",
    "TestedNode",
    "Words",
    "Writer",
    "ablate",
    "ablation_controls",
    "contrast_direction",
    "displacement",
    "exchange",
    "exchange_controls",
    "explain_share",
    "find_alternatives",
    "find_carriers",
    "find_concepts",
    "find_partners",
    "find_writers",
    "follow",
    "forecast",
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
