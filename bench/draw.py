"""One draw over a million customers: python -m bench.draw prints CPU seconds per kind of id."""

from __future__ import annotations

import time
from fractions import Fraction

from dangol.measure.assignment import arms

CUSTOMERS = 1_000_000
KINDS = ("c{:07}", "{}", "회원-{}")
SHARES = (Fraction(45, 100), Fraction(45, 100), Fraction(10, 100))


def main() -> None:
    """Prints a table row per kind."""
    for kind in KINDS:
        ids = [kind.format(number) for number in range(CUSTOMERS)]
        start = time.process_time()
        arms("봄행사/offer", SHARES, ids)
        print(f"| `{kind.format(7)}` | {time.process_time() - start:.2f} s |")


if __name__ == "__main__":
    main()
