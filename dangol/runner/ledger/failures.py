"""What a database's refusal means to the person who runs a tick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dangol.diagnostics import DangolError, Diagnostic

_SQLITE = {
    "SQLITE_FULL": "E602",
    "SQLITE_BUSY": "E603",
    "SQLITE_LOCKED": "E603",
    "SQLITE_NOTADB": "E604",
    "SQLITE_CORRUPT": "E604",
    "SQLITE_CANTOPEN": "E605",
    "SQLITE_READONLY": "E605",
    "SQLITE_PERM": "E605",
    "SQLITE_IOERR": "E605",
}
_POSTGRES = {"53100": "E602", "55P03": "E603", "40P01": "E603", "57014": "E603", "42501": "E605", "XX": "E604"}
_POSTGRES |= dict.fromkeys(("08", "28", "3D", "53", "57"), "E605")

_SAID = {
    "E602": ("there is no room left to write the ledger; nothing of this step was recorded",
             "make room on the disk and run again: it goes on where it stopped"),
    "E603": ("another process has kept the ledger locked for too long; nothing of this step was recorded",
             "run again once the other process is done"),
    "E604": ("this is not a ledger that can be read: the file is damaged or of another kind",
             "bring it back from a backup, or name another file under `ledger:`"),
    "E605": ("the ledger cannot be opened", "check that it exists, can be reached and may be written by you"),
    "E609": ("the ledger refuses what was to be recorded; nothing of it was written", ""),
}  # fmt: skip


def refusal(code: str, name: str, message: str, *hints: str) -> DangolError:
    """A finding about the ledger of that name as a whole."""
    return DangolError(Diagnostic(code, "error", message, name, 1, 1, 2, tuple(hint for hint in hints if hint)))


@contextmanager
def understood(name: str) -> Iterator[None]:
    """Turns whatever the database says into a finding; nothing of an open transaction remains."""
    try:
        yield
    except DBAPIError as error:
        code = code_of(error)
        message, hint = _SAID[code]
        words = " ".join(str(error.orig).split())
        raise refusal(code, name, f"{message} ({words})", hint) from error
    except (SQLAlchemyError, UnicodeEncodeError, OverflowError) as error:  # the last two: values no database takes
        raise refusal("E609", name, f"{_SAID['E609'][0]} ({' '.join(str(error).split())})") from error


def code_of(error: DBAPIError) -> str:
    """The code of the finding that a database error is shown as."""
    sqlite = getattr(error.orig, "sqlite_errorname", None)
    if sqlite:
        return next((code for start, code in _SQLITE.items() if sqlite.startswith(start)), "E609")
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return "E605" if type(error.orig).__name__ == "OperationalError" else "E609"
    return _POSTGRES.get(state) or _POSTGRES.get(state[:2], "E609")
