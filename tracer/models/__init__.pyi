from .activations import (
    Activation as Activation,
    activation_of as activation_of,
)
from .byte_tokens import (
    BYTES as BYTES,
    join_tokens as join_tokens,
    name_parts as name_parts,
    place_tokens as place_tokens,
    whole_character as whole_character,
)
from .chat import (
    ROLES as ROLES,
    ChatError as ChatError,
    ChatFormat as ChatFormat,
    ChatMessage as ChatMessage,
    ChatPart as ChatPart,
    character_spans as character_spans,
)
from .checkpoint import (
    first_line as first_line,
    refuse_quantised as refuse_quantised,
    tell_code as tell_code,
)
from .drafts import (
    Draft as Draft,
    RolePart as RolePart,
    draft_chat as draft_chat,
    draft_ids as draft_ids,
    draft_text as draft_text,
    read_draft as read_draft,
    spelled as spelled,
    write_draft as write_draft,
)
from .families import (
    BlockWeights as BlockWeights,
    family_for as family_for,
    family_of as family_of,
    part as part,
)
from .gguf_header import (
    check_header as check_header,
    config_of as config_of,
)
from .hooks import (
    hook_after as hook_after,
    hook_before as hook_before,
)
from .malloc import (
    free_memory as free_memory,
    give_back_memory as give_back_memory,
)
from .model import (
    PATTERNS as PATTERNS,
    Model as Model,
    Prediction as Prediction,
    Vocabulary as Vocabulary,
    load as load,
)
from .model_names import (
    EMBEDDED as EMBEDDED,
    EMBEDDED_NAME as EMBEDDED_NAME,
    name_of as name_of,
)
from .next_tokens import next_logits as next_logits
from .norm_folding import (
    centres as centres,
    gain_of as gain_of,
)
from .packaged import (
    packaged_gguf as packaged_gguf,
)
from .placeholders import check_folder_is_model as check_folder_is_model
from .processor import (
    bfloat16_takes as bfloat16_takes,
    check_products as check_products,
    quickest_dtype as quickest_dtype,
)
from .writing import (
    HeldPass as HeldPass,
    Pen as Pen,
    Written as Written,
    end_tokens as end_tokens,
    read_given as read_given,
    write_on as write_on,
)
