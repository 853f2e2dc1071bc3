"""What is done less often on a long text, so that an answer ends in minutes: in one place, with how much."""

FULL_GRAPH = 100  # tokens up to which a graph has all its rows
FULL_TESTS = 160  # tokens up to which a test of a concept has all its controls
FEWEST_ROWS = 400  # of a graph, however long the text is
LATE = 80  # positions that all controls of a test of a group may run again at once


def rows_on(tokens: int, rows: int) -> int:
    """How many neurons the graph of a text has: fewer on a long one, where each takes longer."""
    if tokens <= FULL_GRAPH:
        return rows
    return max(min(rows, FEWEST_ROWS), rows * FULL_GRAPH // tokens)
