"""`python -m tracer.autointerp.corpus build DIR`: the embedded model's corpus, from packages and itself.

`python -m tracer.autointerp.corpus prose DIR` picks the passages to ship from what `build` left.
"""

import sys
from pathlib import Path

from tracer.autointerp.corpus.build import build
from tracer.autointerp.corpus.prose import write_prose
from tracer.autointerp.corpus.sample import write_sampled

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"build", "prose"}:
        sys.exit("usage: python -m tracer.autointerp.corpus build|prose DIR")
    folder = Path(sys.argv[2])
    if sys.argv[1] == "prose":
        print(f"{write_prose(folder, Path('tracer/data/prose/prose.jsonl'))} passages")
    else:
        sizes = build(folder, print)
        sizes["self"] = write_sampled(folder)
        print(f"{sum(sizes.values()):,} characters")
