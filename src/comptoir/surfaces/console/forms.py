"""Reading a form: each field as what it means; what is wrong is told at once, by its field, in the reader's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel import ids
from comptoir.kernel.errors import Invalid
from comptoir.kernel.money import MAX_MINOR, Currency, exponent
from comptoir.kernel.quantities import MAX_QUANTITY

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_UNUSABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINES = re.compile(r"[\r\n\t]")


class FormRefused(Invalid):
    """What was typed cannot be taken: `errors` by field, in the reader's language, and `values` as they were typed."""

    code = "form_refused"

    def __init__(self, errors: Mapping[str, str], values: Mapping[str, str]) -> None:
        super().__init__(errors=[{"path": name, "message": words} for name, words in errors.items()])
        self.errors = dict(errors)
        self.values = dict(values)


class Fields:
    """A form that came in. Each method gives the clean value; or something harmless of its type, and notes what is wrong."""

    def __init__(self, form: Mapping[str, Sequence[str]], locale: str = "en") -> None:
        self._form = form
        self.locale = locale
        self.errors: dict[str, str] = {}

    @property
    def values(self) -> dict[str, str]:
        """What was typed, to be written back; of several with one name, the last."""
        return {name: values[-1] for name, values in self._form.items() if values and not name.startswith("_")}

    def refuse(self, name: str, text: str, **values: object) -> None:
        """Notes what is wrong with a field, the first thing only. `text` is a message id."""
        self.errors.setdefault(name, i18n.gettext(self.locale, text, **values))

    def raw(self, name: str) -> str:
        return (self._form.get(name) or [""])[-1].strip()

    def all(self, name: str) -> list[str]:
        """Of checkboxes and rows: every value with this name."""
        return [value.strip() for value in self._form.get(name, ())]

    def starting(self, prefix: str) -> dict[str, str]:
        """Of rows of a table: what stands in the fields `prefix…`, by the rest of the name."""
        return {name.removeprefix(prefix): self.raw(name) for name in self._form if name.startswith(prefix)}

    def text(self, name: str, *, required: bool = False, most: int = 200, lines: bool = False) -> str:
        """Words on one line, or on several with `lines`."""
        text = self.raw(name)
        if required and not text:
            self.refuse(name, N_("Fill this in."))
        elif len(text) > most:
            self.refuse(name, N_("This is too long: at most %(most)s characters."), most=most)
        elif _UNUSABLE.search(text) or (not lines and _LINES.search(text)):
            self.refuse(name, N_("This holds characters that cannot be stored."))
        return "" if name in self.errors else text

    def whole(self, name: str, *, least: int = 0, most: int = MAX_QUANTITY, default: int | None = None) -> int:
        """A whole number; `default` where nothing was typed, which is refused when there is none."""
        text = re.sub(r"[\s\u00a0\u202f]", "", self.raw(name))
        if not text and default is not None:
            return default
        if not re.fullmatch(r"[+-]?\d{1,12}", text, re.ASCII):
            self.refuse(name, N_("Type a whole number."))
            return least
        number = int(text)
        if not least <= number <= most:
            self.refuse(name, N_("Type a number from %(least)s to %(most)s."), least=least, most=most)
            return least
        return number

    def money(self, name: str, currency: Currency, *, least: int = 1, most: int = MAX_MINOR) -> int:
        """An amount in minor units, typed in major ones with a point or a comma."""
        text = re.sub(r"[\s\u00a0\u202f]", "", self.raw(name)).replace(",", ".")
        try:
            minor = Decimal(text).scaleb(exponent(currency)) if re.fullmatch(r"\d{1,13}(\.\d*)?", text, re.ASCII) else None
        except InvalidOperation:
            minor = None
        if minor is None or minor != minor.to_integral_value():
            self.refuse(name, N_("Type an amount such as 12.50."))
            return least
        if not least <= minor <= most:
            self.refuse(name, N_("This amount is too small.") if minor < least else N_("This amount is too large."))
            return least
        return int(minor)

    def choice(self, name: str, kind: type[E], default: E | None = None) -> E:
        """One of an enumeration's values."""
        text = self.raw(name)
        if not text and default is not None:
            return default
        try:
            return kind(text)
        except ValueError:
            self.refuse(name, N_("Choose one."))
            return next(iter(kind))

    def one_of(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        text = self.raw(name)
        if not text and default is not None:
            return default
        if text not in options:
            self.refuse(name, N_("Choose one."))
            return options[0] if options else ""
        return text

    def id(self, name: str, prefix: str) -> UUID:
        """A prefixed id."""
        found = self.optional_id(name, prefix)
        if found is None:
            self.refuse(name, N_("Choose one."))
            return UUID(int=0)
        return found

    def optional_id(self, name: str, prefix: str) -> UUID | None:
        text = self.raw(name)
        if not text:
            return None
        try:
            return ids.from_text(prefix, text)
        except ValueError:
            self.refuse(name, N_("Choose one."))
            return None

    def checked(self, name: str) -> bool:
        return bool(self.raw(name))

    def parsed(self, name: str, parse: Callable[[str], T], instead: T, text: str) -> T:
        """What `parse` makes of it; `text` is the message id for its ValueError."""
        try:
            return parse(self.raw(name))
        except ValueError:
            self.refuse(name, text)
            return instead

    def done(self) -> None:
        """Raises FormRefused when anything is wrong."""
        if self.errors:
            raise FormRefused(self.errors, self.values)
