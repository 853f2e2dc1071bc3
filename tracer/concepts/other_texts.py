"""Plain texts on nothing in particular: what a model usually does, beside what it does on one text."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen, freeze
from tracer.models import Model

TEXTS = (
    "The children carried their chairs into the garden because the kitchen was too warm",
    "Prices rose faster last year than the bank had expected, and rents rose with them",
    "Open the file, read the first line, and check that it holds a number",
    "After the second act the singer bowed twice and went back to her dressing room",
    "A good map shows where the river bends and how steep the path beside it is",
    "The doctor asked whether the pain was worse in the morning or at night",
    "Every spring the farmers repair the fences before the cattle return to the hills",
    "He had forgotten his keys again, so he waited on the stairs until somebody came",
    "Mix the flour with cold water, let the dough rest, and roll it out thinly",
    "The committee will publish its report in June and answer questions in July",
    "Light travels faster than sound, which is why thunder follows the flash",
    "Two of the windows were broken, and rain had come in over the wooden floor",
)
LONGEST = 64  # tokens of each that are run; only a vocabulary of letters or bytes makes more of one


class OtherTexts(NamedTuple):
    """The texts as the model runs them, and each block's mean neuron activations over their words."""

    frozen: tuple[Frozen, ...]
    activations: tuple[Float[Tensor, " neuron"], ...]


def run_other_texts(subject: Model) -> OtherTexts:
    """Run the model on each; the begin-of-sequence token's own activations are left out of the means."""
    runs = tuple(freeze(subject, subject.encode(text, 4 * len(text))[:LONGEST]) for text in TEXTS)
    means = [
        torch.cat([run.layers[layer].acts[int(run.bos) :] for run in runs]).mean(0)
        for layer in range(subject.layers)
    ]
    return OtherTexts(runs, tuple(means))
