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
    UNDO = "undo"  # back to an earlier text of the conversation
    EXPORT = "export"
    METHOD = "method"  # what a word of the method means, how it is done
    STEER = "steer"  # how the next tests are to be run
    FOREIGN = "foreign"  # a question in a language that is not read
    TEXT = "text"
    HELP = "help"
    UNKNOWN = "unknown"
