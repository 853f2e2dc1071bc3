"""The vectors of agent/questions/data/talk.txt, made again: python -m tests.benchmarks.fit_talk."""

from hashlib import sha256
from pathlib import Path

import numpy as np

from agent.core import load_shared_encoder
from agent.questions.talk_meaning import read_bank

DATA = Path(__file__).parents[2] / "agent" / "questions" / "data"


def main() -> None:
    """Write talk.npz."""
    vectors = np.asarray(load_shared_encoder().encode([words for _, _, words in read_bank()]), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bank = sha256((DATA / "talk.txt").read_bytes()).hexdigest()
    np.savez_compressed(DATA / "talk.npz", vectors=vectors.astype(np.float16), bank=bank)


if __name__ == "__main__":
    main()
