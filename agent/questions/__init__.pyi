from .parser import (
    EXAMPLES as EXAMPLES,
    Intent as Intent,
    Question as Question,
    parse as parse,
)
from .patterns_concepts import LENGTHS as LENGTHS
from .replies import (
    reply as reply,
)
