"""The concept lens (Jacobian lens): what a place in the model disposes it to say, now or later."""

from tracer.lens.directions import (
    Concept,
    concept_direction,
    concept_of,
    directions,
    families,
    is_whole,
    output_rows,
    surface,
)
from tracer.lens.errors import LensError
from tracer.lens.files import check_lens, read_lens, shipped_lens, write_lens, write_public
from tracer.lens.fit import fit_lens, quick_fit
from tracer.lens.readout import (
    Readout,
    check_fits,
    lens_logits,
    nearness,
    normalised,
    ranks,
    read,
    stands_out,
    streams,
    unembed,
)
from tracer.lens.store import lens_for, quick_lens
from tracer.lens.values import About, Background, Lens, merged

__all__ = [
    "About",
    "Background",
    "Concept",
    "Lens",
    "LensError",
    "Readout",
    "check_fits",
    "check_lens",
    "concept_direction",
    "concept_of",
    "directions",
    "families",
    "fit_lens",
    "is_whole",
    "lens_for",
    "lens_logits",
    "merged",
    "nearness",
    "normalised",
    "output_rows",
    "quick_fit",
    "quick_lens",
    "ranks",
    "read",
    "read_lens",
    "shipped_lens",
    "stands_out",
    "streams",
    "surface",
    "unembed",
    "write_lens",
    "write_public",
]
