from .chat_messages import (
    isolated as isolated,
    marked as marked,
    visible as visible,
    with_waiting as with_waiting,
    words as words,
)
from .console import (
    Brain as Brain,
    Model as Model,
    Refused as Refused,
    Transcoders as Transcoders,
    can_reply as can_reply,
    check_folder as check_folder,
    check_text as check_text,
    desk_of as desk_of,
    heard as heard,
    named_path as named_path,
    notes as notes,
    print_json as print_json,
    screen as screen,
    settings_of as settings_of,
    told as told,
)
from .doctor import (
    findings as findings,
    installed as installed,
    needed as needed,
)
from .model_loading import (
    Opening as Opening,
    Waited as Waited,
    opened as opened,
)
from .terminal import (
    answer as answer,
    hits as hits,
    markdown as markdown,
    said as said,
    working as working,
)
