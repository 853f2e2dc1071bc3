from .executor import (
    Work as Work,
    perform as perform,
)
from .loop import (
    draw_loop as draw_loop,
)
from .outcomes import (
    answered as answered,
    in_words as in_words,
)
from .session import (
    Session as Session,
    Unfinished as Unfinished,
)
