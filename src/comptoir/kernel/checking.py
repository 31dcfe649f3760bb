"""Checking input: everything that is wrong with it is gathered, then refused at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from comptoir.kernel.errors import Invalid

T = TypeVar("T")

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which UTF-8 cannot carry."""


class Checks:
    """Gathers {path, message} for what is wrong; `done` raises them as one `Invalid`.

    Each check gives the clean value, or something harmless of the same type, so that the next ones can go on. `prefix` names
    the row of a bulk.
    """

    def __init__(self, prefix: str = "", errors: list[dict[str, str]] | None = None) -> None:
        self._prefix = prefix
        self.errors: list[dict[str, str]] = [] if errors is None else errors

    def at(self, prefix: str) -> Checks:
        """The same list of errors, one level deeper."""
        return Checks(f"{self._prefix}{prefix}", self.errors)

    def refuse(self, path: str, message: str) -> None:
        self.errors.append({"path": f"{self._prefix}{path}", "message": message})

    def require(self, path: str, ok: bool, message: str) -> None:
        if not ok:
            self.refuse(path, message)

    def parsed(self, path: str, parse: Callable[[str], T], text: str, instead: T) -> T:
        """What `parse` makes of the text; its ValueError is the message."""
        try:
            return parse(text)
        except ValueError as problem:
            self.refuse(path, str(problem))
            return instead

    def words(self, path: str, text: str, *, least: int = 0, most: int = 200) -> str:
        """Text for people, on one line, without spaces at its ends."""
        clean = text.strip()
        if not least <= len(clean) <= most:
            self.refuse(path, f"has {least} to {most} characters" if least else f"has at most {most} characters")
            return ""
        if _UNUSABLE.search(clean):
            self.refuse(path, "holds control characters")
            return ""
        return clean

    def code(self, path: str, text: str) -> str:
        """A name for machines, such as `web-fr`."""
        clean = text.strip()
        if not _CODE.fullmatch(clean):
            self.refuse(path, "has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit")
            return ""
        return clean

    def whole(self, path: str, value: int, least: int, most: int) -> int:
        if not least <= value <= most:
            self.refuse(path, f"is a whole number from {least} to {most}")
            return least
        return value

    def done(self) -> None:
        if self.errors:
            raise Invalid("; ".join(f"{e['path']} {e['message']}" for e in self.errors[:5]), errors=self.errors)


def invalid(path: str, message: str) -> Invalid:
    """The refusal of one thing."""
    return Invalid(f"{path} {message}", errors=[{"path": path, "message": message}])
