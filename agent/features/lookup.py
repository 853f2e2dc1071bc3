"""Looking features up without a model in memory: search by meaning, show one with its evidence, export all.

What is shipped or was described by the user is the catalogue; what single texts showed is the library.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.core import LibraryError, Settings
from agent.features.catalogue import NEURONS, Catalogue, KnownFeature
from agent.features.label_store import Hit, Library
from tracer import TracerError, name_of, read_feature

if TYPE_CHECKING:
    from tracer import Vocabulary


@dataclass(frozen=True, slots=True)
class ShownFeature:
    """One feature with its evidence, tokens as text."""

    known: KnownFeature
    promotes: list[str]
    suppresses: list[str]
    contexts: list[dict[str, Any]]  # before, token, after, activation, source
    histogram: list[int]
    nearest: list[tuple[KnownFeature, float]]


def catalogue_of(settings: Settings) -> Catalogue | None:
    """The descriptions of the model that is set, whether or not it is loaded."""
    return Catalogue.of(features_of(settings), None, settings.data_folder, settings.chroma_url)


def features_of(settings: Settings) -> str:
    """Whose features are asked about, as descriptions are filed: the model's, or a transcoder set's."""
    model = name_of(settings.model)
    if settings.transcoders is None:
        return model
    from tracer import load_transcoders  # imports torch, which a search among neurons does without

    try:
        return f"{model} with {load_transcoders(settings.transcoders).name}"
    except TracerError as exc:
        raise LibraryError(str(exc)) from exc


def search_features(
    settings: Settings, query: str, k: int, layers: Collection[int] | None = None
) -> list[dict[str, Any]]:
    """The k features nearest in meaning, from the catalogue and from texts seen before."""
    with Library.open(settings.data_folder / "library") as library:
        catalogue = catalogue_of(settings)
        try:
            return merge_hits(library, catalogue, features_of(settings), query, k, layers)
        finally:
            if catalogue is not None:
                catalogue.close()


def merge_hits(
    library: Library,
    catalogue: Catalogue | None,
    model: str,
    query: str,
    k: int,
    layers: Collection[int] | None = None,
) -> list[dict[str, Any]]:
    """Hits of both, nearest first; a feature that is in the catalogue is told from there only."""
    hits = {hit.id: hit for hit in library.search(query, k=k, model=model, layers=layers)}
    for known, cosine in catalogue.search(library.vector(query), k, layers) if catalogue else []:
        name = f"{model}/{known.name}"
        if name in hits and hits[name].source != "text":  # told by others or an LLM
            continue
        where = (known.layer, known.neuron, known.sign)
        hits[name] = Hit(name, known.label, *where, round(cosine, 4), model, known.score, known.source)
    order = sorted(hits.values(), key=lambda hit: (-hit.similarity, -(hit.score or 0), hit.id))
    return [asdict(hit) for hit in order[:k]]


def show_feature(settings: Settings, name: str) -> list[ShownFeature]:
    """What is known of L11.N1234+, or of both signs of L11.N1234; raises LibraryError where nothing is."""
    return show_features(settings, [name])


def show_features(settings: Settings, names: Sequence[str]) -> list[ShownFeature]:
    """The same of several, in their order; files are opened once."""
    bare = [name.strip().split("/")[-1].split("@")[0] for name in names]
    places = [read_feature(each) or read_feature(f"{each}+") for each in bare]  # without a sign: both
    for name, place in zip(names, places, strict=True):
        if place is None:
            raise LibraryError(f"{name!r} is not the name of a feature: it should be like L11.N1234+.")
    catalogue = catalogue_of(settings)
    if catalogue is None:
        raise LibraryError(_undescribed(settings))
    numbers = [number for each in bare for number in _numbers(catalogue, each)]
    from tracer import Vocabulary  # imports torch, which a search does without

    try:
        words = Vocabulary.of(settings.model, settings.cache_folder)
    except TracerError as exc:
        raise LibraryError(str(exc)) from exc
    return [_read_feature(catalogue, number, words) for number in numbers]


def _numbers(catalogue: Catalogue, bare: str) -> list[int]:
    """The rows of one name in the catalogue: of its sign, or of both."""
    place = read_feature(bare) or read_feature(f"{bare}+")
    assert place is not None
    layer, neuron = place.layer, place.number
    neurons = catalogue.about["basis"] == NEURONS
    signs = bare[-1] if bare[-1] in "+-" else "+-" if neurons else "+"
    numbers = [catalogue.number(layer, neuron, sign) for sign in signs]
    if numbers[0] is None:
        layers, width = catalogue.about["layers"], catalogue.about["neurons"]
        what = f"neuron L{layer}.N{neuron}" if neurons else f"feature L{layer}.F{neuron}"
        raise LibraryError(
            f"There is no {what}: {catalogue.about['model']} has {layers} layers of {width:,}."
        )
    return [number for number in numbers if number is not None]


def export_features(settings: Settings, out: Path) -> int:
    """Write every described feature as a line of JSON; how many there were."""
    catalogue = catalogue_of(settings)
    if catalogue is None:
        raise LibraryError(_undescribed(settings))
    from tracer import Vocabulary

    try:
        words = Vocabulary.of(settings.model, settings.cache_folder)
        part, count = out.with_name(out.name + ".part"), 0
        with part.open("w", encoding="utf-8") as file:
            for row in _rows(catalogue, words):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
        part.replace(out)
    except TracerError as exc:
        raise LibraryError(str(exc)) from exc
    except OSError as exc:
        raise LibraryError(f"{str(out)!r} cannot be written ({exc.strerror or exc}).") from exc
    return count


def _rows(catalogue: Catalogue, words: "Vocabulary") -> Iterator[dict[str, Any]]:
    for number in range(2 * catalogue.about["layers"] * catalogue.about["neurons"]):
        shown = _read_feature(catalogue, number, words)
        known = asdict(shown.known)
        del known["number"], known["basis"]
        yield {
            "id": f"{catalogue.about['model']}/{shown.known.name}",
            **known,
            "promotes": shown.promotes,
            "suppresses": shown.suppresses,
            "contexts": shown.contexts,
        }


def _read_feature(catalogue: Catalogue, number: int, words: "Vocabulary") -> ShownFeature:
    up, down = catalogue.promoted(number)
    contexts = []
    for found in catalogue.contexts(number):
        ids, at = found["ids"], found["at"]
        contexts.append(
            {
                "before": words.text([i for i in ids[:at] if i >= 0]),
                "token": words.text([ids[at]]),
                "after": words.text([i for i in ids[at + 1 :] if i >= 0]),
                "activation": found["activation"],
                "source": found["source"],
            }
        )
    return ShownFeature(
        catalogue.at(number),
        [words.text([i]) for i in up],
        [words.text([i]) for i in down],
        contexts,
        catalogue.histogram(number),
        catalogue.nearest(number),
    )


def _undescribed(settings: Settings) -> str:
    return (
        f"No descriptions of the features of {features_of(settings)} are here; make them with "
        "`askcircuit features describe --corpus FOLDER`."
    )
