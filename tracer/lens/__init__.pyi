from .directions import (
    FREQUENT as FREQUENT,
    Concept as Concept,
    concept_direction as concept_direction,
    concept_of as concept_of,
    directions as directions,
    families as families,
    is_whole as is_whole,
    output_rows as output_rows,
    similar as similar,
    surface as surface,
)
from .errors import (
    LensError as LensError,
)
from .files import (
    check_lens as check_lens,
    read_lens as read_lens,
    shipped_lens as shipped_lens,
    write_lens as write_lens,
    write_public as write_public,
)
from .fit import (
    fit_lens as fit_lens,
    quick_fit as quick_fit,
)
from .readout import (
    Readout as Readout,
    check_fits as check_fits,
    lens_logits as lens_logits,
    nearness as nearness,
    normalised as normalised,
    rank_token as rank_token,
    read as read,
    stands_out as stands_out,
    streams as streams,
    unembed as unembed,
)
from .store import (
    kept_lens as kept_lens,
    lens_for as lens_for,
    quick_lens as quick_lens,
)
from .values import (
    About as About,
    Background as Background,
    Lens as Lens,
    merged as merged,
)
