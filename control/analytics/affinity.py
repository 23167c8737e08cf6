"""Affinity: what is kept of the weights that the history teaches, small enough to store and to keep in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from control.analytics import ease

NEIGHBOURS = 400
"""How many titles each speaks for at most; on MovieLens-100K fewer rank worse, and more hardly better."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A title that is suggested, and the one that speaks most for it."""

    title_id: str
    because_id: str


@dataclass(frozen=True, slots=True)
class Affinity:
    """The titles that are known, the most popular first, and for each those that it speaks for, and how much."""

    title_ids: tuple[str, ...]
    neighbours: NDArray[np.uint16]
    strengths: NDArray[np.float32]

    def suggest(self, watched: Sequence[str], nameable: frozenset[str]) -> list[Suggestion]:
        """All that speaks for by what was watched, best first; only what is nameable is given as the reason."""
        numbers = {title_id: number for number, title_id in enumerate(self.title_ids)}
        known = [title_id for title_id in watched if title_id in numbers]
        if not known:
            return []
        rows = [numbers[title_id] for title_id in known]
        spoken = np.zeros((len(rows), len(self.title_ids)), np.float32)
        np.put_along_axis(spoken, self.neighbours[rows].astype(np.int64), self.strengths[rows], axis=1)
        scores = spoken.sum(axis=0)
        scores[rows] = 0.0
        spoken[[title_id not in nameable for title_id in known]] = 0.0
        reasons, most = spoken.argmax(axis=0), spoken.max(axis=0)
        ranked = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores > 0)]
        return [Suggestion(self.title_ids[at], known[reasons[at]] if most[at] > 0 else "") for at in ranked]


NOTHING = Affinity((), np.zeros((0, 0), np.uint16), np.zeros((0, 0), np.float32))


def learn(pairs: Numbers, title_ids: Sequence[str]) -> Affinity:
    """What pairs of an account and a title teach, both as numbers: titles by their place among `title_ids`."""
    if not title_ids:
        return NOTHING
    weights = ease.fit(baskets(pairs), len(title_ids))
    kept = min(NEIGHBOURS, len(title_ids))
    neighbours = np.array([np.argpartition(-np.abs(row), kept - 1)[:kept] for row in weights])
    strengths = np.take_along_axis(weights, neighbours, axis=1)
    return Affinity(tuple(title_ids), neighbours.astype(np.uint16), strengths)


def baskets(pairs: Numbers) -> list[Numbers]:
    """The titles of each account, each once, from rows of an account and a title."""
    rows = np.unique(pairs.reshape(-1, 2), axis=0)
    bounds = np.flatnonzero(np.diff(rows[:, 0])) + 1
    return [basket for basket in np.split(rows[:, 1], bounds) if len(basket)]


def encode(affinity: Affinity) -> bytes:
    """As it is stored: a compressed NumPy archive of plain arrays."""
    kept = BytesIO()
    title_ids = np.array(affinity.title_ids, dtype="S26")
    np.savez_compressed(kept, title_ids=title_ids, neighbours=affinity.neighbours, strengths=affinity.strengths)
    return kept.getvalue()


def decode(stored: bytes) -> Affinity:
    """What `encode` made; nothing in it is ever executed."""
    with np.load(BytesIO(stored), allow_pickle=False) as arrays:
        title_ids = tuple(title_id.decode() for title_id in arrays["title_ids"].tolist())
        return Affinity(title_ids, arrays["neighbours"], arrays["strengths"])
