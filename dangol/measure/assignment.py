"""Who is in which arm: deterministic, sticky, independent between salts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def draws(salt: str, ids: Iterable[str]) -> NDArray[np.float64]:
    """One number u in [0, 1) per customer id, uniform, the same on every machine.

    u = (blake2b-64(NFC(salt) ‖ NUL ‖ NFC(id)) >> 11) / 2^53, so every value is exactly representable. Ids that
    differ only in Unicode composition land together. Raises ValueError for a salt with a NUL, and for an empty id:
    who is nobody is in no group.
    """
    import numpy as np

    if "\0" in salt:
        raise ValueError("a salt cannot contain NUL")
    seeded = blake2b(unicodedata.normalize("NFC", salt).encode() + b"\0", digest_size=8)
    digests = bytearray()
    for customer in ids:
        if not customer:
            raise ValueError("an empty id belongs to nobody")
        hashed = seeded.copy()
        hashed.update(unicodedata.normalize("NFC", customer).encode())
        digests += hashed.digest()
    return (np.frombuffer(bytes(digests), dtype=">u8") >> np.uint64(11)).astype(np.float64) / 2.0**53


def held_out(salt: str, share: Fraction, ids: Iterable[str]) -> NDArray[np.bool_]:
    """Who is in the holdout [0, share) of this salt; raising the share moves nobody out of it."""
    return draws(salt, ids) < float(share)


def within(salt: str, lower: Fraction, upper: Fraction, ids: Iterable[str]) -> NDArray[np.bool_]:
    """Who is in the range [lower, upper) of this salt."""
    drawn = draws(salt, ids)
    return (drawn >= float(lower)) & (drawn < float(upper))


def arms(salt: str, shares: Sequence[Fraction], ids: Iterable[str]) -> NDArray[np.int16]:
    """The position of each customer's arm; the bounds are cumulated exactly, so the last one is 1.

    Raises ValueError when the shares do not sum to exactly 1.
    """
    import numpy as np

    if sum(shares, Fraction(0)) != 1:
        raise ValueError("the shares of a split must sum to exactly 100 %")
    bounds = [float(sum(shares[: i + 1], Fraction(0))) for i in range(len(shares) - 1)]
    return np.searchsorted(np.array(bounds), draws(salt, ids), side="right").astype(np.int16)
