"""What the pages take from the code: `python -m dangol.views.reference docs/language.md docs/library.md`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from dangol.engine.operators import FUNCTIONS, OPERATORS
from dangol.playbook.smart.rules import reference as smart_rules
from dangol.views.library import conventional_names, library
from dangol.views.markdown import table


def functions() -> str:
    """The table of functions."""
    head = ("Function", "In the brackets", "Gives", "Example", "Without a value", "Meaning")
    rows = (
        (f"`{f.name}`", _takes(f.takes, f.accepts), _gives(f.takes, f.gives), f"`{f.example}`", f.missing, f.doc)
        for f in FUNCTIONS.values()
    )
    return table(head, rows)


def _takes(takes: str, accepts: Iterable[str]) -> str:
    kinds = ", ".join(sorted(accepts))
    return f"{takes} ({kinds})" if kinds else takes


def _gives(takes: str, gives: str | None) -> str:
    return gives or ("an instant, or the property's type" if takes == "events or property" else "the same type")


def operators() -> str:
    """The table of operators."""
    head = ("Operator", "Written", "Left", "Right", "Gives", "With a missing value", "Meaning")
    rows = ((f"`{o.name}`", f"`{o.form}`", o.left, o.right, o.gives, o.missing, o.doc) for o in OPERATORS)
    return table(head, rows)


PARTS: dict[str, Callable[[], str]] = {
    "functions": functions,
    "operators": operators,
    "library": library,
    "conventional_names": conventional_names,
    "smart_rules": smart_rules,
}
_PART = re.compile(r"(<!-- made from the code: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(text: str) -> str:
    """The page with every part between its markers made anew."""
    return _PART.sub(lambda found: found[1] + PARTS[found[2]]() + "\n" + found[3], text)


def main(paths: Iterable[str]) -> None:
    """Renews pages in place."""
    for path in map(Path, paths):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
