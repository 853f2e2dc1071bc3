from .parser import (
    EXAMPLES as EXAMPLES,
    Intent as Intent,
    Question as Question,
    parse as parse,
)
