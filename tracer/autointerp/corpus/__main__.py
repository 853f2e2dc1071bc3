"""`python -m tracer.autointerp.corpus build DIR`: the embedded model's corpus, from packages and itself."""

import sys
from pathlib import Path

from tracer.autointerp.corpus.build import build
from tracer.autointerp.corpus.sample import write_sampled

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "build":
        sys.exit("usage: python -m tracer.autointerp.corpus build DIR")
    sizes = build(Path(sys.argv[2]), print)
    sizes["self"] = write_sampled(Path(sys.argv[2]))
    print(f"{sum(sizes.values()):,} characters")
