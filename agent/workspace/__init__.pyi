from .capacity import (
    check_on_text as check_on_text,
    estimate_needs as estimate_needs,
    estimate_worker_memory as estimate_worker_memory,
)
from .conversation_index import (
    ConversationIndex as ConversationIndex,
)
from .conversations import (
    Conversations as Conversations,
    OpenQuestion as OpenQuestion,
    name_question_thread as name_question_thread,
)
from .lenses import fit_model_lens as fit_model_lens, lens_facts as lens_facts
from .question_queue import (
    QueueClosed as QueueClosed,
    wait_turn as wait_turn,
)
from .workspace import (
    Workspace as Workspace,
    open_workspace as open_workspace,
)
