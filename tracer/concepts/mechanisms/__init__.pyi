from .agreement import (
    Agreement as Agreement,
    try_agreement as try_agreement,
)
from .copying import (
    Copying as Copying,
    try_copying as try_copying,
)
from .default import (
    Default as Default,
    try_default as try_default,
)
from .naming import (
    Named as Named,
    name_mechanism as name_mechanism,
    name_of_rest as name_of_rest,
    name_of_text as name_of_text,
)
from .near_words import (
    NearWords as NearWords,
    try_near_words as try_near_words,
)
from .rival import (
    Rival as Rival,
    try_rival as try_rival,
)
from .route import (
    HeadPart as HeadPart,
    Route as Route,
    find_other_word as find_other_word,
    find_route as find_route,
)
from .sequence import (
    Succession as Succession,
    try_sequence as try_sequence,
)
from .slot import (
    Slot as Slot,
    try_slot as try_slot,
)
from .word_weights import (
    WordWeight as WordWeight,
    most_expected as most_expected,
    weigh_words as weigh_words,
)
