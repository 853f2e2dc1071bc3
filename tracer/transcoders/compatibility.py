"""Whether a set of transcoders is for a model, and the set as that model needs it: one transcoder a layer."""

from dataclasses import replace

from tracer.errors import TranscodersError
from tracer.models import Model
from tracer.transcoders.transcoders import Transcoders, no_transcoder


def fit_transcoders(transcoders: Transcoders, subject: Model) -> Transcoders:
    """The set with every layer of the model; those above its last have no features and only errors.

    Raises TranscodersError, one sentence, where the set cannot be of this model.
    """
    name, width, layers = transcoders.name, subject.shape.d_model, subject.layers
    wide = {len(layer.decoder_bias) for layer in transcoders.layers}
    if wide != {width}:
        theirs = " and ".join(map(str, sorted(wide)))
        raise TranscodersError(
            f"The transcoders {name} are made for streams {theirs} wide; that of {subject.name} is {width} "
            f"wide. {_made_for(transcoders)}"
        )
    if len(transcoders.layers) > layers:
        raise TranscodersError(
            f"The transcoders {name} are for {len(transcoders.layers)} layers; {subject.name} has {layers}. "
            f"{_made_for(transcoders)}"
        )
    nothing = no_transcoder(width)
    return replace(transcoders, layers=(*transcoders.layers, *[nothing] * (layers - len(transcoders.layers))))


def _made_for(transcoders: Transcoders) -> str:
    if transcoders.model is None:
        return "Give a set that was trained on this model."
    return f"They were trained on {transcoders.model}."
