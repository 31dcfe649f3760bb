"""Column kinds that every module's tables share."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


cast("dict[str, object]", ischema_names)["xid8"] = Xid8
"""So that the comparison of tables with a database knows it."""

KeyText = Text(collation="C")
"""Text that is compared byte by byte: codes, SKUs, outside ids. Faster, and the same order in every locale."""


def id_column(name: str = "id") -> Column[Any]:
    return Column(name, UUID(as_uuid=True), primary_key=True)


def uuid_column(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[Any]:
    return Column(name, UUID(as_uuid=True), nullable=nullable, primary_key=primary_key)


def instant(name: str, *, nullable: bool = False, default: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=func.now() if default else None)


def words(name: str, *, nullable: bool = False, default: str | None = "") -> Column[Any]:
    """Text for people; empty rather than null."""
    return Column(name, Text, nullable=nullable, server_default=None if nullable or default is None else default)


def key(name: str, *, nullable: bool = False, unique: bool = False, primary_key: bool = False) -> Column[Any]:
    return Column(name, KeyText, nullable=nullable, unique=unique or None, primary_key=primary_key)


def amount(name: str, *, default: int | None = None) -> Column[Any]:
    """Money in minor units."""
    return Column(name, BigInteger, nullable=False, server_default=None if default is None else text(str(default)))


def json(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, JSONB, nullable=nullable, server_default=None if default is None else text(f"'{default}'::jsonb"))


def flag(name: str, *, default: bool) -> Column[Any]:
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"))
