"""EASE: which titles speak for which others, in closed form, from what accounts watched.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: of all matrices B with an empty diagonal, the
one for which X B is nearest to X under ridge regularisation is I - P diag(1 / diag P), with P = (X'X + lambda I)^-1. X
has a row for an account and a column for a title, 1 where it was watched. Two common refinements: an account counts
less the more it watched, and what everybody watches is held back a little. A third lets the few tastes that most
watching comes from speak too (`low_pass`), which EASE hears less of.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from control.analytics import low_pass

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]

REGULARISATION = 500.0
ACTIVITY = 0.5
"""An account that watched four times as much as another counts half for each of its pairs of titles."""
POPULARITY = 0.1
"""A score is divided by this power of how much its title was watched."""
TASTES = 0.3
"""How much the low-pass filter counts beside EASE."""


def co_watched(baskets: Iterable[Numbers], titles: int) -> Matrix:
    """X'X of baskets, the titles of each account by their numbers below `titles`; symmetric, float32.

    The weights of the accounts are one on average over what was watched.
    """
    gram = np.zeros((titles, titles), dtype=np.float32)
    counted = weighted = 0.0
    for basket in baskets:
        weight = len(basket) ** -ACTIVITY if len(basket) else 0.0
        gram[np.ix_(basket, basket)] += weight
        counted += len(basket)
        weighted += len(basket) * weight
    return gram * np.float32(counted / weighted) if weighted else gram


def weights(gram: Matrix, regularisation: float = REGULARISATION) -> Matrix:
    """B of the regularised X'X: row x, column y says how much x, when watched, speaks for y. O(n^3) for n titles."""
    regularised = gram + np.float32(regularisation) * np.identity(len(gram), dtype=np.float32)
    inverse = np.linalg.inv(regularised).astype(np.float32, copy=False)
    solved: Matrix = inverse / -np.diag(inverse)
    np.fill_diagonal(solved, 0.0)
    return solved


def fit(baskets: Iterable[Numbers], titles: int) -> Matrix:
    """What accounts teach: the sum of the rows of what one watched ranks, for that account, what it did not."""
    gram = co_watched(baskets, titles)
    both = weights(gram) + np.float32(TASTES) * low_pass.weights(gram)
    held_back: Matrix = both * (np.diag(gram) + 1) ** np.float32(-POPULARITY)
    return held_back
