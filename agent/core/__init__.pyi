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
    ReadConcepts as ReadConcepts,
    Search as Search,
    Split as Split,
    Test as Test,
    TestConcepts as TestConcepts,
    Trace as Trace,
)
from .claim_base import (
    BaseClaim as BaseClaim,
    ControlledClaim as ControlledClaim,
    TestedClaim as TestedClaim,
    known as known,
)
from .claim_migration import (
    present_claim as present_claim,
)
from .claim_parts import (
    Cell as Cell,
    Combination as Combination,
    Controls as Controls,
    Donor as Donor,
    GroupPair as GroupPair,
    HeadShare as HeadShare,
    KnockOn as KnockOn,
    Manipulation as Manipulation,
    NextToken as NextToken,
    OtherText as OtherText,
    Record as Record,
    Repair as Repair,
    Scaling as Scaling,
    SetTried as SetTried,
    Swap as Swap,
    TextResult as TextResult,
    WordShare as WordShare,
)
from .claims import (
    AnyClaim as AnyClaim,
    Claim as Claim,
    ComparisonClaim as ComparisonClaim,
    EffectClaim as EffectClaim,
    GraphClaim as GraphClaim,
    GuessClaim as GuessClaim,
    HeadsClaim as HeadsClaim,
    JointClaim as JointClaim,
    LostClaim as LostClaim,
    PathClaim as PathClaim,
    PlainClaim as PlainClaim,
    PredictionClaim as PredictionClaim,
    RateClaim as RateClaim,
    SearchClaim as SearchClaim,
    TriedClaim as TriedClaim,
    WordsClaim as WordsClaim,
    plain_claim as plain_claim,
    read_claim as read_claim,
    read_claims as read_claims,
)
from .concept_claims import (
    Alternative as Alternative,
    Concept as Concept,
    ConceptClaim as ConceptClaim,
    ConceptEffectClaim as ConceptEffectClaim,
    ConceptsClaim as ConceptsClaim,
    ConceptSwapClaim as ConceptSwapClaim,
    ExplainedClaim as ExplainedClaim,
    HopClaim as HopClaim,
    MechanismClaim as MechanismClaim,
    Outcome as Outcome,
    SwapTried as SwapTried,
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
    SET as SET,
    called as called,
    find_groups as find_groups,
    groups_at as groups_at,
    is_several as is_several,
    joint_group as joint_group,
    meant_groups as meant_groups,
    named_group as named_group,
    set_of as set_of,
    subject_of as subject_of,
)
from .ids import (
    ANSWER as ANSWER,
    FEATURE_AT as FEATURE_AT,
    GROUP as GROUP,
    IDS as IDS,
    NAMED_GROUPS as NAMED_GROUPS,
    TYPED_ID as TYPED_ID,
    claim_id as claim_id,
    is_group as is_group,
    join_groups as join_groups,
    moved_to as moved_to,
    part_groups as part_groups,
    place_of as place_of,
    position_of as position_of,
    sign_of as sign_of,
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
    claims_of as claims_of,
    entered as entered,
    every_claim as every_claim,
    every_test as every_test,
    graph_claim as graph_claim,
    groups_of as groups_of,
    own_claims as own_claims,
    path_claim as path_claim,
    path_of as path_of,
    prediction_of as prediction_of,
    predictions_of as predictions_of,
    removals_of as removals_of,
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
    Message as Message,
    State as State,
    Supernode as Supernode,
)
from .text_format import (
    chance as chance,
    escaped as escaped,
    folded as folded,
    joined as joined,
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
    unfolded as unfolded,
    whole_word as whole_word,
    without_folds as without_folds,
)
