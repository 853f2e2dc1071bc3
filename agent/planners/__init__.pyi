from .baselines import (
    ONE_SHOT as ONE_SHOT,
    TEXT_ONLY as TEXT_ONLY,
    OneShotPlanner as OneShotPlanner,
    TextPlanner as TextPlanner,
    add_guesses as add_guesses,
    find_content_words as find_content_words,
    write_guesses as write_guesses,
)
from .hypothesis_choice import (
    find_joint_candidates as find_joint_candidates,
    min_joint_change as min_joint_change,
)
from .idle import (
    note_idle as note_idle,
    unless_idle as unless_idle,
)
from .llm_planner import (
    LLMPlanner as LLMPlanner,
)
from .permission import (
    find_needed_permission as find_needed_permission,
    record_reply as record_reply,
)
from .preparation import (
    prepare as prepare,
)
from .question_scope import (
    ask_back as ask_back,
    choose_transfer_kinds as choose_transfer_kinds,
    find_assumed_right as find_assumed_right,
    find_right_token as find_right_token,
    is_already_said as is_already_said,
    select_reading_groups as select_reading_groups,
    write_asked_use as write_asked_use,
)
from .question_styles import (
    NEW_EXPLANATION_INTENTS as NEW_EXPLANATION_INTENTS,
    REPORTED_INTENTS as REPORTED_INTENTS,
)
from .rule_planner import (
    RulePlanner as RulePlanner,
)
from .said_back import (
    LANGUAGES as LANGUAGES,
    say_back as say_back,
    tested_groups as tested_groups,
)
from .thresholds import (
    Budget as Budget,
    find_untestable_reason as find_untestable_reason,
    select_incoherent_groups as select_incoherent_groups,
)
