"""The ideal low-pass filter: what speaks for what by the few tastes that most of what is watched together comes from.

Shen et al., "How Powerful is Graph Convolution for Recommendation?" (GF-CF), CIKM 2021: with X'X normalised by how much
each title is watched and V its strongest eigenvectors, V V' says how near two titles are in those tastes, even when
hardly anybody watched both.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

TASTES = 20
TITLES_OF_A_TASTE = 10
"""In a small catalogue there are fewer tastes."""
NORMALISATION = 0.2
ROUNDS = 6
SPARE = 8
"""How many vectors more are iterated, so that those that count come near soon."""


def weights(gram: Matrix) -> Matrix:
    """For X'X: row x, column y says how much x, when watched, speaks for y. O(n^2) for n titles, with one constant."""
    tastes = min(TASTES, len(gram) // TITLES_OF_A_TASTE)
    scale = (np.diag(gram) + 1) ** np.float32(-NORMALISATION)
    vectors = strongest(gram * scale * scale[:, None], tastes)
    near: Matrix = vectors @ vectors.T * scale[:, None] / scale
    np.fill_diagonal(near, 0.0)
    return near


def strongest(symmetric: Matrix, count: int) -> Matrix:
    """The eigenvectors of the `count` largest eigenvalues, as columns, by subspace iteration from a fixed start."""
    if not count:
        return np.zeros((len(symmetric), 0), np.float32)
    wide = min(count + SPARE, len(symmetric))
    found = np.random.default_rng(0).standard_normal((len(symmetric), wide)).astype(np.float32)
    for _ in range(ROUNDS):
        found, _ = np.linalg.qr(symmetric @ found)
    within = np.linalg.eigh(found.T @ symmetric @ found).eigenvectors
    vectors: Matrix = found @ within[:, -count:]
    return vectors
