from .parser import (
    EXAMPLES as EXAMPLES,
    Intent as Intent,
    Question as Question,
    parse as parse,
)
from .replies import (
    reply as reply,
)
