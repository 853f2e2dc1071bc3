"""What a message may ask for. Knows no words."""

from enum import StrEnum


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
    CONCEPTS = "concepts"  # what it has in mind, at a word or whether it has something
    LAYER = "layer"  # which layer knows the answer first
    LENGTH = "length"  # the same answer shorter, simpler or whole
    SEARCH = "search"
    TEXT = "text"
    HELP = "help"
    UNKNOWN = "unknown"
