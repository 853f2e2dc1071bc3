"""A circuit that shows itself: the drawing of the page, inline in a notebook."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent import AgentError
from ui.reports import circuit_page, framed

if TYPE_CHECKING:
    from askcircuit.tables import Table

NOT_TRACED = "Nothing was traced for this answer, so it has no circuit. Ask why about a text."
HEIGHT = 640  # pixels; the page draws a circuit no lower than 560


@dataclass(frozen=True, repr=False)
class Circuit:
    """The drawing of one attribution graph; `data` is what the page draws (`drawing.json` of `why --out`)."""

    data: dict[str, Any]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was traced, so that there is nothing to draw."""
        return not self.data.get("nodes")

    @property
    def groups(self) -> "Table":
        """The groups of features (supernodes), by id: name, place, share, measured effect, verdict."""
        from askcircuit.tables import groups_table

        return groups_table(self._traced())

    @property
    def features(self) -> "Table":
        """The features of the pruned graph, by id: place, label, activation, influence, effect, group."""
        from askcircuit.tables import features_table

        return features_table(self._traced())

    @property
    def edges(self) -> "Table":
        """The strongest edges of the pruned graph: source, target, weight, and what both ends are."""
        from askcircuit.tables import edges_table

        return edges_table(self._traced())

    def to_html(self) -> str:
        """One HTML page with the circuit alone; raises AgentError where nothing was traced."""
        return circuit_page(self._traced())

    def _traced(self) -> dict[str, Any]:
        if self.is_empty:
            raise AgentError(NOT_TRACED)
        return self.data

    def _repr_html_(self) -> str:
        """The circuit as on the page: groups, features, evidence on a click; it loads nothing."""
        return f"<p>{NOT_TRACED}</p>" if self.is_empty else framed(circuit_page(self.data), HEIGHT)

    def __repr__(self) -> str:
        nodes, edges = len(self.data.get("nodes", ())), len(self.data.get("edges", ()))
        return f"<Circuit of “{self.data.get('text', '')}”: {nodes} nodes, {edges} edges>"
