"""Files what others say of a model's features in the library; external_labels reads and checks it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agent.core import LibraryError, Settings
from agent.features.catalogue import Catalogue
from agent.features.external_labels import ExternalLabel, FeatureFileSet, read_rows
from agent.features.label_log import Description
from agent.features.label_store import Library
from tracer import TracerError, load_transcoders, name_feature, name_of

CHUNK = 256
MAX_FEATURES = 200_000  # features one import may file: every label is embedded


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """How many were filed and searched for under this name, and why others were not."""

    features_of: str
    filed: int
    skipped: dict[str, int]


def import_features(
    settings: Settings,
    where: str,
    layers: Collection[int] | None = None,
    features: Collection[int] | None = None,
    progress: Callable[[str, float], None] = lambda _what, _done: None,
) -> ImportSummary:
    """Read, check and file descriptions of the neurons or transcoder features of these settings.

    `where` is a file or folder of descriptions, or circuit-tracer's feature files (folder, address, hub id),
    of which only the wanted layers and features are read. Raises LibraryError with one sentence.
    """
    whose = _find_owner(settings)
    skipped: Counter[str] = Counter()
    filed = 0
    with Library.open(settings.data_folder / "library", progress) as library:
        chunk: list[Description] = []
        for row in _rows(where, layers, features, skipped):
            if (layers is None or row.layer in layers) and (features is None or row.feature in features):
                description = _description(whose, row)
                if description is None:
                    skipped[f"no such feature of {whose.name}"] += 1
                    continue
                chunk.append(description)
            if len(chunk) == CHUNK:
                library.put(chunk)
                filed, chunk = filed + len(chunk), []
                progress(f"{filed:,} filed", min(1.0, filed / MAX_FEATURES))
            if filed >= MAX_FEATURES:
                raise LibraryError(
                    f"{MAX_FEATURES:,} descriptions are filed; name layers or features for the rest."
                )
        library.put(chunk)
        if library.note:
            raise LibraryError(library.note)
    if not filed + len(chunk):
        why = "; ".join(f"{count:,} {reason}" for reason, count in skipped.most_common(3))
        raise LibraryError(f"Nothing was imported from {where!r}: {why or 'no description was wanted'}.")
    return ImportSummary(whose.name, filed + len(chunk), dict(skipped))


def _rows(
    where: str, layers: Collection[int] | None, features: Collection[int] | None, skipped: Counter[str]
) -> Iterator[ExternalLabel]:
    if not FeatureFileSet.there(where):
        return read_rows(Path(where), skipped)
    found = FeatureFileSet(where)
    wanted = (
        (layer, index)
        for layer, (_, offsets) in sorted(found.layers.items())
        if layers is None or layer in layers
        for index in (range(len(offsets) - 1) if features is None else sorted(features))
    )
    return found.rows(wanted, skipped)


class _FeatureOwner(NamedTuple):
    """Whose features these are: the name they are filed under, N or F, how many each layer has if known."""

    name: str
    letter: str
    widths: dict[int, int] | None


def _find_owner(settings: Settings) -> _FeatureOwner:
    model = name_of(settings.model)
    if settings.transcoders is not None:
        try:
            found = load_transcoders(settings.transcoders)
        except TracerError as exc:
            raise LibraryError(str(exc)) from exc
        widths = {i: len(layer.encoder_bias) for i, layer in enumerate(found.layers)}
        return _FeatureOwner(f"{model} with {found.name}", "F", widths)
    known = Catalogue.of(model, None, settings.data_folder)
    if known is None:
        return _FeatureOwner(model, "N", None)
    return _FeatureOwner(model, "N", dict.fromkeys(range(known.about["layers"]), known.about["neurons"]))


def _description(whose: _FeatureOwner, row: ExternalLabel) -> Description | None:
    """A row as the library files it; None where the model has no such feature.

    Of neurons, a row without a sign is numbered as in our graph files: 2 n for n+, 2 n + 1 for n-.
    """
    feature, sign = row.feature, row.sign
    if whose.letter == "N" and not sign:
        feature, sign = feature // 2, "+-"[feature % 2]
    if whose.widths is not None and feature >= whose.widths.get(row.layer, 0):
        return None
    place = name_feature(row.layer, feature, sign if whose.letter == "N" else "")
    told = (row.label, row.source, row.promotes, row.fires_on, row.score)
    return Description(f"{whose.name}/{place}", whose.name, row.layer, feature, sign or "+", *told)
