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
    SEARCH = "search"
    TEXT = "text"
    HELP = "help"
    UNKNOWN = "unknown"
