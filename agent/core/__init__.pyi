from .actions import (
    MAX_FACTOR as MAX_FACTOR,
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
    drop_missing as drop_missing,
)
from .claim_migration import (
    migrate_claim as migrate_claim,
)
from .claim_parts import (
    Cell as Cell,
    Combination as Combination,
    Controls as Controls,
    GroupPair as GroupPair,
    HeadShare as HeadShare,
    KnockOn as KnockOn,
    Manipulation as Manipulation,
    NextToken as NextToken,
    OtherText as OtherText,
    PatchSource as PatchSource,
    Record as Record,
    Repair as Repair,
    Scaling as Scaling,
    Swap as Swap,
    TextResult as TextResult,
    TriedSet as TriedSet,
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
    FeatureShare as FeatureShare,
    HeadClaim as HeadClaim,
    HopClaim as HopClaim,
    MechanismClaim as MechanismClaim,
    OtherTextsChanged as OtherTextsChanged,
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
    AnswerText as AnswerText,
    DrawingReady as DrawingReady,
    Event as Event,
    Failed as Failed,
    PermissionNeeded as PermissionNeeded,
    QuestionRead as QuestionRead,
    ReportReady as ReportReady,
    StepProgress as StepProgress,
    TextWritten as TextWritten,
)
from .feature_terms import (
    HIGH_ERROR_SHARE as HIGH_ERROR_SHARE,
    UNTESTABLE_ERROR_SHARE as UNTESTABLE_ERROR_SHARE,
    errors_dominate as errors_dominate,
    find_terms as find_terms,
    terms_of as terms_of,
)
from .groups import (
    FEATURE_SET_KIND as FEATURE_SET_KIND,
    claim_group as claim_group,
    find_group as find_group,
    find_groups as find_groups,
    find_groups_at as find_groups_at,
    find_joint_group as find_joint_group,
    find_meant_groups as find_meant_groups,
    is_several as is_several,
    make_feature_set as make_feature_set,
    show_group as show_group,
)
from .ids import (
    ANSWER_ID as ANSWER_ID,
    FEATURE_AT as FEATURE_AT,
    GROUP_IDS as GROUP_IDS,
    GROUP_PATTERN as GROUP_PATTERN,
    ID_PATTERN as ID_PATTERN,
    TYPED_ID as TYPED_ID,
    claim_id as claim_id,
    is_group as is_group,
    join_group_ids as join_group_ids,
    move_feature as move_feature,
    place_of as place_of,
    position_of as position_of,
    sign_of as sign_of,
    split_group_ids as split_group_ids,
)
from .intents import (
    Intent as Intent,
)
from .llm_client import (
    BROKEN_OFF as BROKEN_OFF,
    NO_PROTOCOL as NO_PROTOCOL,
    WORDING_TOKENS as WORDING_TOKENS,
    Cancelled as Cancelled,
    Endpoint as Endpoint,
    Messages as Messages,
    Unreachable as Unreachable,
    count_characters as count_characters,
)
from .llm_reply import (
    Completion as Completion,
    find_json_object as find_json_object,
)
from .malloc import (
    share_memory as share_memory,
)
from .planner import (
    Planner as Planner,
)
from .prompts import (
    frame_data as frame_data,
    render_prompt as render_prompt,
)
from .selectors import (
    case_of as case_of,
    claims_of as claims_of,
    enter_claims as enter_claims,
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
    ENCODER_NAME as ENCODER_NAME,
    Encoder as Encoder,
    Vectors as Vectors,
    load_shared_encoder as load_shared_encoder,
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
    character_at as character_at,
    escape_md as escape_md,
    find_break_signs as find_break_signs,
    find_places as find_places,
    find_word_positions as find_word_positions,
    folded as folded,
    format_p as format_p,
    join_words as join_words,
    joined as joined,
    named_tokens as named_tokens,
    percent as percent,
    quote_token as quote_token,
    quote_token_at as quote_token_at,
    quote_word_at as quote_word_at,
    round_reported as round_reported,
    show_change as show_change,
    show_layers as show_layers,
    show_rise as show_rise,
    show_size as show_size,
    show_token as show_token,
    token_at as token_at,
    unescape_md as unescape_md,
    unfolded as unfolded,
    whole_word as whole_word,
    with_line_breaks as with_line_breaks,
    without_folds as without_folds,
)
from .writings import (
    MOST_TOKENS as MOST_TOKENS,
    USUAL_TOKENS as USUAL_TOKENS,
    WriteRequest as WriteRequest,
    Writing as Writing,
    WrittenToken as WrittenToken,
    find_parting as find_parting,
    list_writings as list_writings,
    tell_writing as tell_writing,
    text_before as text_before,
    written_part as written_part,
)
