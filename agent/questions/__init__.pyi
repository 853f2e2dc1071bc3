from .certainty import (
    is_aside as is_aside,
    is_sure as is_sure,
)
from .offered import (
    offer as offer,
    read_back as read_back,
)
from .parser import (
    Intent as Intent,
)
from .parts_of_text import TOKENS as TOKENS, WHOLE as WHOLE, PartOfText as PartOfText
from .patterns_concepts import LENGTHS as LENGTHS
from .proposed_reading import (
    Known as Known,
    Misread as Misread,
    check_reading as check_reading,
    reading_shape as reading_shape,
)
from .question import (
    EXAMPLES as EXAMPLES,
    Question as Question,
)
from .reader import (
    parse_question as parse_question,
)
from .replies import (
    asks_again as asks_again,
    read_choice as read_choice,
    read_reply as read_reply,
)
from .writing_requests import (
    WritingRequest as WritingRequest,
    read_writing_request as read_writing_request,
)
