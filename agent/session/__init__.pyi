from .executor import (
    ActionContext as ActionContext,
    perform_action as perform_action,
)
from .loop import (
    draw_loop as draw_loop,
)
from .outcomes import (
    collect_markdown as collect_markdown,
    collect_report as collect_report,
)
from .session import (
    Session as Session,
)
from .turns import (
    Unfinished as Unfinished,
)
from .writer import (
    find_token as find_token,
)
