"""Looks at any day without more false positives than declared: confidence sequences and group-sequential bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NORMAL = NormalDist()
_CAP = 8.0
_LEAST = 1e-9
_POINTS = 8
_SURE = math.log(0.999)


def confidence_multiplier(alpha: float, n: int, planned: int) -> float:
    """Half-width of the confidence sequence in standard errors, at n customers of both arms, tuned to `planned`.

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476, (9) with r² of (161): valid at all looks together.
    """
    mixed = n * _tuning(alpha, planned) + 1
    return math.sqrt(2 * mixed / (mixed - 1) * math.log(math.sqrt(mixed) / alpha))


def always_valid_p(z: float, alpha: float, n: int, planned: int) -> float:
    """min(1, 1/e), e-value (155) of the same sequence: at most alpha just when the interval excludes the null."""
    mixed = n * _tuning(alpha, planned) + 1
    return math.exp(min(0.0, math.log(mixed) / 2 - (mixed - 1) * z**2 / (2 * mixed)))


def _tuning(alpha: float, planned: int) -> float:
    return (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned


@dataclass(frozen=True)
class Look:
    """One look: customers of both arms so far, and the share of the α clock that has passed (1 at the last look)."""

    users: int
    time: float


def alpha_spent(time: float, alpha: float) -> float:
    """Two-sided α spent until `time`, O'Brien–Fleming type: 2 − 2Φ(z_{1−α/2}/√t). Lan, DeMets 1983."""
    if time <= 0:
        return 0.0
    return math.erfc(-_NORMAL.inv_cdf(alpha / 2) / math.sqrt(2 * min(time, 1.0)))


def distinct_looks(looks: Sequence[Look]) -> tuple[Look, ...]:
    """The looks in order, each with more customers than the one before: a repeated look is one look, its time the
    later one. Neither customers nor time go back."""
    kept: list[Look] = []
    for look in looks:
        last = kept[-1] if kept else Look(0, 0.0)
        now = Look(max(look.users, last.users), max(look.time, last.time))
        if kept and now.users - last.users <= 1e-4 * now.users:
            kept.pop()
        kept.append(now)
    return tuple(kept)


@lru_cache(maxsize=512)
def bounds(looks: tuple[Look, ...], alpha: float) -> tuple[float, ...]:
    """Bounds on |z| at each of the distinct looks, so that all of them together keep `alpha` (measurement 2.7).

    B(t) Brownian: the density of those not yet stopped is carried on by numerical convolution, looks need not be
    equally spaced. A spend below 1e-9 gives 8: no stop at this look. Lan, DeMets 1983; Armitage, McPherson, Rowe 1969.
    """
    import numpy as np

    found: list[float] = []
    spent, nodes, mass = 0.0, np.zeros(1), np.ones(1)
    widths = [
        math.sqrt((b.users - a.users) / looks[-1].users) for a, b in zip((Look(0, 0), *looks), looks, strict=False)
    ]
    for k, (look, width) in enumerate(zip(looks, widths, strict=True)):
        root = math.sqrt(look.users / looks[-1].users)
        found.append(_bound(alpha_spent(look.time, alpha) - spent, root, nodes, mass, width))
        spent += _beyond(found[-1] * root, nodes, mass, width)
        if k + 1 < len(looks):
            ahead, weights = _grid(found[-1] * root, min(width, widths[k + 1]))
            mass = _carried(ahead, nodes, mass, width) * weights
            nodes = ahead
    return tuple(found)


def repeated_p(z: float, looks: tuple[Look, ...]) -> float:
    """The smallest α at which the bounds would stop at the last of these looks, comparable with the declared one.

    Repeated p-value of Jennison, Turnbull, *Group Sequential Methods*, 2000, section 9.4.
    """
    from scipy.optimize import brentq
    from scipy.special import log_ndtr

    low = max(-690.0, math.log(2) + float(log_ndtr(-abs(z))))
    high, step = low, 0.5
    while _shortfall(z, looks, high) > 0:
        if high == _SURE:
            return 1.0
        high, step = min(_SURE, high + step), 4 * step
    return math.exp(brentq(lambda x: _shortfall(z, looks, x), low, high, xtol=1e-6) if high > low else low)


def _shortfall(z: float, looks: tuple[Look, ...], log_alpha: float) -> float:
    return bounds(looks, math.exp(log_alpha))[-1] - abs(z)


def _bound(spend: float, root: float, nodes: NDArray[np.float64], mass: NDArray[np.float64], width: float) -> float:
    low, high = 0.0, _CAP
    if spend <= max(_LEAST, _beyond(high * root, nodes, mass, width)):
        return _CAP
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (low, middle) if _beyond(middle * root, nodes, mass, width) < spend else (middle, high)
    return high


def _beyond(bound: float, nodes: NDArray[np.float64], mass: NDArray[np.float64], width: float) -> float:
    """P(not stopped before, now |B| >= bound); nodes are |B| before."""
    from scipy.special import ndtr

    return float(mass @ (ndtr((nodes - bound) / width) + ndtr((-bound - nodes) / width)))


def _grid(bound: float, width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss–Legendre nodes and weights on [0, bound], in panels of three kernel widths."""
    import numpy as np

    points, weights = _legendre()
    edges = np.linspace(0, bound, math.ceil(bound / (3 * width)) + 1)
    half = (edges[1] - edges[0]) / 2
    return ((edges[:-1] + half)[:, None] + half * points).ravel(), np.tile(half * weights, len(edges) - 1)


@lru_cache(maxsize=1)
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    return np.polynomial.legendre.leggauss(_POINTS)


def _carried(
    ahead: NDArray[np.float64], nodes: NDArray[np.float64], mass: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """Density of |B| at `ahead`: from both signs of where it was."""
    import numpy as np

    near = (ahead[:, None] - nodes) / width
    density: NDArray[np.float64] = np.exp(-near * near / 2) @ mass
    low, before = ahead < 8 * width, nodes < 8 * width
    far = (ahead[low, None] + nodes[before]) / width
    density[low] += np.exp(-far * far / 2) @ mass[before]
    return density / (width * math.sqrt(2 * math.pi))
