from .actions import (
    MOST_TIMES as MOST_TIMES,
    Action as Action,
    Answer as Answer,
    Combine as Combine,
    Compare as Compare,
    Decision as Decision,
    Describe as Describe,
    Flip as Flip,
    Generalise as Generalise,
    Group as Group,
    Hypothesise as Hypothesise,
    Predict as Predict,
    Prune as Prune,
    Search as Search,
    Split as Split,
    Test as Test,
    Trace as Trace,
)
from .conversation_db import (
    DATABASE as DATABASE,
    open_database as open_database,
)
from .errors import (
    AgentError as AgentError,
    LibraryError as LibraryError,
    QuestionError as QuestionError,
    SettingsError as SettingsError,
    Stopped as Stopped,
    Unsupported as Unsupported,
)
from .events import (
    Answered as Answered,
    Asks as Asks,
    Drew as Drew,
    Event as Event,
    Failed as Failed,
    Said as Said,
    Working as Working,
)
from .feature_terms import (
    DIM as DIM,
    TOO_DARK as TOO_DARK,
    basis_of as basis_of,
    unexplained as unexplained,
    words_for as words_for,
)
from .groups import (
    JOINT as JOINT,
    SETS as SETS,
    called as called,
    joint as joint,
    named_group as named_group,
    subject_of as subject_of,
)
from .intents import (
    Intent as Intent,
)
from .llm_client import (
    WORDS_TOKENS as WORDS_TOKENS,
    Cancelled as Cancelled,
    Endpoint as Endpoint,
    Messages as Messages,
    Turn as Turn,
    Unreachable as Unreachable,
    first_object as first_object,
    letters as letters,
)
from .malloc import (
    share_memory as share_memory,
)
from .planner import (
    Brain as Brain,
)
from .prompts import (
    framed as framed,
    render as render,
)
from .selectors import (
    case_of as case_of,
    graph_claim as graph_claim,
    own_claims as own_claims,
    path_claim as path_claim,
    prediction_of as prediction_of,
    tests_of as tests_of,
)
from .sentence_encoder import (
    NAME as NAME,
    Encoder as Encoder,
    Vectors as Vectors,
    shared as shared,
)
from .settings import (
    Settings as Settings,
    read_settings as read_settings,
    settings_table as settings_table,
)
from .state import (
    Case as Case,
    Claim as Claim,
    Message as Message,
    State as State,
    Supernode as Supernode,
)
from .text_format import (
    chance as chance,
    escaped as escaped,
    layered as layered,
    listed as listed,
    named_at as named_at,
    percent as percent,
    placed as placed,
    plain as plain,
    quoted as quoted,
    risen as risen,
    rounded as rounded,
    shown as shown,
    signed as signed,
    unescaped as unescaped,
    whole_word as whole_word,
)
