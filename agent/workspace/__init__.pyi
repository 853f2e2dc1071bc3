from .capacity import (
    memory_each as memory_each,
    needs as needs,
)
from .conversation_index import (
    Roster as Roster,
)
from .conversations import (
    Conversations as Conversations,
    InHand as InHand,
    question_thread as question_thread,
)
from .lenses import fit_model_lens as fit_model_lens, lens_facts as lens_facts
from .question_queue import (
    Closed as Closed,
    waited as waited,
)
from .workspace import (
    Desk as Desk,
    open_desk as open_desk,
)
