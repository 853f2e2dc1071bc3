from .parser import (
    EXAMPLES as EXAMPLES,
    Intent as Intent,
    Question as Question,
    parse_question as parse_question,
)
from .patterns_concepts import LENGTHS as LENGTHS
from .replies import (
    read_reply as read_reply,
)
from .writing_requests import (
    WritingRequest as WritingRequest,
    read_writing_request as read_writing_request,
)
