from .parser import (
    Intent as Intent,
)
from .patterns_concepts import LENGTHS as LENGTHS
from .question import (
    EXAMPLES as EXAMPLES,
    Question as Question,
)
from .reader import (
    parse_question as parse_question,
)
from .replies import (
    read_reply as read_reply,
)
from .writing_requests import (
    WritingRequest as WritingRequest,
    read_writing_request as read_writing_request,
)
