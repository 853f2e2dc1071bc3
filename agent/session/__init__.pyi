from .executor import (
    Harness as Harness,
)
from .session import (
    Session as Session,
    answered as answered,
    in_words as in_words,
)
