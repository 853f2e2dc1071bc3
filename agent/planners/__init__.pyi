from .baselines import (
    ONE_SHOT as ONE_SHOT,
    TEXT_ONLY as TEXT_ONLY,
    OneShotBrain as OneShotBrain,
    TextBrain as TextBrain,
    guessed as guessed,
    guesses as guesses,
    telling_words as telling_words,
)
from .hypothesis_choice import (
    candidates as candidates,
    worth as worth,
)
from .llm_planner import (
    LLMBrain as LLMBrain,
)
from .permission import (
    beyond as beyond,
    replied as replied,
)
from .preparation import (
    prepare as prepare,
)
from .question_scope import (
    about_asked as about_asked,
    asked_over as asked_over,
    is_said as is_said,
    lacking as lacking,
    reading as reading,
    right_one as right_one,
    taken_for_right as taken_for_right,
)
from .question_styles import (
    FRESH as FRESH,
    REPORTED as REPORTED,
)
from .rule_planner import (
    RuleBrain as RuleBrain,
)
from .thresholds import (
    Budget as Budget,
    loose as loose,
    too_little as too_little,
)
