from .answer import (
    Answer as Answer,
    Trace as Trace,
    read as read,
)
from .circuit import (
    Circuit as Circuit,
)
from .errors import (
    AgentError as AgentError,
)
from .session import (
    Session as Session,
    open as open,
    why as why,
    write as write,
)
from .writing import (
    Writing as Writing,
)
