"""How everything in a picture is called: features, groups, tokens, the answer, claims. One grammar of ids.

S2 is a group and S1+S2 two of them at once, T@5 the token at position 5 (T5 as the end of a path), LD the
difference of logits that is explained, C4 a claim. Features are called as the tracer calls them.
"""

import re
from collections.abc import Iterable

from tracer import FEATURE_AT as FEATURE_AT, read_feature

GROUP_PATTERN = r"S\d+"
ANSWER_ID = "LD"
GROUP_SEPARATOR = "+"  # S1+S2 is both groups at once; in the id of a feature it is a sign
ID_PATTERN = re.compile(  # every id in a sentence; people write them in many ways, and each must exist
    rf"\b(?:{FEATURE_AT}|(?:[SCLNTF]\s?|[sclntf])\d+(?:[./]?[NFnf]?\d+[+-]?)*)\b"
)
GROUP_IDS = re.compile(rf"\b{GROUP_PATTERN}\b")
TYPED_ID = re.compile(r"[sl]\d+(?:[./]?[nf]\d+[+-]?(?:@\d+)?)?", re.IGNORECASE)  # typed: a group or a feature
_TOKEN = re.compile(r"T@(\d+)")


def join_group_ids(groups: Iterable[str]) -> str:
    """Several groups as one name: S1+S2."""
    return GROUP_SEPARATOR.join(groups)


def split_group_ids(name: str) -> list[str]:
    """The groups of such a name; a name of anything else is its only part."""
    parts = name.split(GROUP_SEPARATOR)
    return parts if all(re.fullmatch(GROUP_PATTERN, part.strip()) for part in parts) else [name]


def is_group(name: str) -> bool:
    """Whether a name is the id of a group, or of several at once."""
    return all(re.fullmatch(GROUP_PATTERN, part) for part in name.split(GROUP_SEPARATOR))


def position_of(name: str) -> int | None:
    """Where a feature or a token sits; None for any other id."""
    if found := _TOKEN.fullmatch(name):
        return int(found[1])
    feature = read_feature(name)
    return feature.position if feature else None


def layer_of(name: str) -> int | None:
    """The layer of a feature; None for any other id."""
    feature = read_feature(name)
    return feature.layer if feature else None


def place_of(name: str) -> str:
    """A feature without its position: what it is on any text; any other id as it is."""
    feature = read_feature(name)
    return feature.place if feature else name


def sign_of(name: str) -> str:
    """The sign of a neuron's id; empty for any other."""
    feature = read_feature(name)
    return feature.sign if feature else ""


def move_feature(name: str, position: int) -> str:
    """The same feature at another position; raises ValueError where the id is no feature's."""
    feature = read_feature(name)
    if feature is None:
        raise ValueError(f"{name!r} is no id of a feature")
    return feature._replace(position=position).text


def claim_id(number: int) -> str:
    """The id of a conversation's n-th claim."""
    return f"C{number}"
