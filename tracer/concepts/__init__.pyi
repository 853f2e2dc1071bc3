from .carry import (
    Carried as Carried,
    Carrier as Carrier,
    find_carriers as find_carriers,
)
from .chain import (
    Chain as Chain,
    follow as follow,
    reading_of as reading_of,
)
from .change import (
    Change as Change,
    Clamp as Clamp,
    Effect as Effect,
    Reading as Reading,
    measure as measure,
    stream_behind as stream_behind,
)
from .controls import (
    ENOUGH_CONTROLS as ENOUGH_CONTROLS,
    DrawnControls as DrawnControls,
    exchange_controls as exchange_controls,
    p_value as p_value,
)
from .cues import (
    Cue as Cue,
    attention_with as attention_with,
    find_cues as find_cues,
)
from .elsewhere import (
    Elsewhere as Elsewhere,
    change_elsewhere as change_elsewhere,
)
from .find import (
    find_concepts as find_concepts,
    read_concept as read_concept,
)
from .held_writing import (
    hold_concept as hold_concept,
)
from .kinds import (
    Alternative as Alternative,
    contrast_direction as contrast_direction,
    find_alternatives as find_alternatives,
    find_in_text as find_in_text,
    find_rival_in_text as find_rival_in_text,
    find_rivals as find_rivals,
    is_content as is_content,
    is_telling as is_telling,
    same_kind as same_kind,
    stand_alone as stand_alone,
)
from .lead import change_of_lead as change_of_lead
from .looks import (
    Look as Look,
    LookTest as LookTest,
    change_without_looks as change_without_looks,
    try_carrier as try_carrier,
)
from .mechanisms import (
    Agreement as Agreement,
    Copying as Copying,
    Default as Default,
    Named as Named,
    NearWords as NearWords,
    Route as Route,
    Slot as Slot,
    Succession as Succession,
    WordWeight as WordWeight,
    find_other_word as find_other_word,
    find_route as find_route,
    most_expected as most_expected,
    name_mechanism as name_mechanism,
    name_of_rest as name_of_rest,
    name_of_text as name_of_text,
    try_agreement as try_agreement,
    try_near_words as try_near_words,
    try_rival as try_rival,
    weigh_words as weigh_words,
)
from .nodes import (
    ConceptNode as ConceptNode,
    Role as Role,
)
from .operations import (
    Held as Held,
    ablate as ablate,
    displacement as displacement,
    exchange as exchange,
    scale as scale,
    usual_coordinates as usual_coordinates,
)
from .other_texts import (
    OtherTexts as OtherTexts,
    run_other_texts as run_other_texts,
)
from .predict import (
    ConceptForecast as ConceptForecast,
    forecast as forecast,
)
from .pushes import (
    push_controls as push_controls,
)
from .share import (
    ExplainedShare as ExplainedShare,
    Kept as Kept,
    explain_share as explain_share,
)
from .slopes import (
    lead_gradient as lead_gradient,
)
from .subspace import (
    Subspace as Subspace,
    span as span,
)
from .swaps import (
    Swap as Swap,
    SwapTest as SwapTest,
    find_partners as find_partners,
    swap_concepts as swap_concepts,
)
from .table import (
    WordTable as WordTable,
    read_table as read_table,
)
from .weigh import (
    weigh as weigh,
)
from .where import (
    TestedNode as TestedNode,
)
from .words import (
    Words as Words,
    nameable_words as nameable_words,
    word_places as word_places,
)
from .writers import (
    Writer as Writer,
    find_writers as find_writers,
)
