"""`python -m tracer.corpus build DIR`: the corpus of the embedded model, from packages and from itself."""

import sys
from pathlib import Path

from tracer.corpus.build import build
from tracer.corpus.sample import write_sampled

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "build":
        sys.exit("usage: python -m tracer.corpus build DIR")
    sizes = build(Path(sys.argv[2]), print)
    sizes["self"] = write_sampled(Path(sys.argv[2]))
    print(f"{sum(sizes.values()):,} characters")
