"""Recommendations on MovieLens-100K: EASE beside item-cosine and popularity.

Protocol: every rating, whatever its value, says that the account watched the title. Of each account a fifth of its
titles, picked at random, is held out and rounded to a whole number; the models learn from the rest. nDCG@10 ranks all
titles that the account has not in the rest; gain 1 for each that was held out, mean over the accounts.
"""

import time
from collections.abc import Callable
from importlib.metadata import distribution
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.table import show
from control.analytics import ease

Array = NDArray[Any]
Model = Callable[[Array], Array]

SEEDS = range(5)
HELD_OUT = 0.2
TOP = 10
NEIGHBOURS = 100


def ratings() -> Array:
    """Who rated what, as a matrix of accounts and titles; read from the package of the ratings without its code."""
    files = distribution("recbole").files or ()
    path = next(file.locate() for file in files if file.name == "ml-100k.inter")
    pairs = np.loadtxt(str(path), skiprows=1, usecols=(0, 1), dtype=np.int64)
    accounts, titles = (np.unique(column, return_inverse=True)[1] for column in pairs.T)
    rated = np.zeros((accounts.max() + 1, titles.max() + 1), dtype=bool)
    rated[accounts, titles] = True
    return rated


def split(rated: Array, seed: int) -> tuple[Array, Array]:
    """What the models learn from, and what is held out."""
    random, held_out = np.random.default_rng(seed), np.zeros_like(rated)
    for account, row in enumerate(rated):
        shuffled = random.permutation(np.flatnonzero(row))
        held_out[account, shuffled[: round(len(shuffled) * HELD_OUT)]] = True
    return rated & ~held_out, held_out


def ndcg(scores: Array, known: Array, relevant: Array, top: int = TOP) -> float:
    """Normalised discounted cumulative gain of the `top` best scores that are not known, mean over the accounts."""
    ranked = np.argsort(-np.where(known, -np.inf, scores), axis=1, kind="stable")[:, :top]
    discounts = 1 / np.log2(np.arange(ranked.shape[1]) + 2)
    gains = np.take_along_axis(relevant, ranked, axis=1) @ discounts
    most = np.minimum(relevant.sum(axis=1), ranked.shape[1])
    best = np.concatenate([[0.0], np.cumsum(discounts)])[most]
    return float(np.mean(gains[most > 0] / best[most > 0]))


def by_ease(known: Array) -> Array:
    """The model of Matinee."""
    return ease.fit([np.flatnonzero(row) for row in known], known.shape[1])


def by_cosine(known: Array) -> Array:
    """The titles that are nearest by the cosine of who watched them, the best neighbours of each."""
    watched = known.astype(np.float32)
    gram = watched.T @ watched
    lengths = np.sqrt(np.maximum(np.diag(gram), 1.0))
    cosine: Array = gram / lengths / lengths[:, None]
    np.fill_diagonal(cosine, 0.0)
    least = np.partition(cosine, -NEIGHBOURS, axis=0)[-NEIGHBOURS]
    return np.where(cosine >= least, cosine, 0.0)


def by_popularity(known: Array) -> Array:
    """What most watched, whoever asks."""
    return np.tile(known.sum(axis=0), (known.shape[1], 1)).astype(np.float32)


def measure(model: Model, rated: Array, seed: int) -> tuple[float, float]:
    """The gain of a model, and the seconds that it took to learn."""
    known, held_out = split(rated, seed)
    begun = time.perf_counter()
    learnt = model(known)
    seconds = time.perf_counter() - begun
    return ndcg(known.astype(np.float32) @ learnt, known, held_out), seconds


def main() -> None:
    """Print the table."""
    rated, rows = ratings(), []
    models = {"EASE": by_ease, f"item-cosine, {NEIGHBOURS} neighbours": by_cosine, "popularity": by_popularity}
    for name, model in models.items():
        gains, seconds = zip(*(measure(model, rated, seed) for seed in SEEDS), strict=True)
        rows.append((name, f"{mean(gains):.4f}", f"{min(gains):.4f}", f"{max(seconds):.2f} s"))
    header = ("", f"nDCG@{TOP}, mean", "of the worst seed", "slowest fit")
    show(f"Recommendations on MovieLens-100K, {len(SEEDS)} seeds", header, rows)


if __name__ == "__main__":
    main()
