"""Who may look at the demo: one user per role, all with one password that is made up once and kept in the data folder.

It is made up rather than fixed because nobody stops people from listening on all addresses.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, Scope, UserDraft
from comptoir.modules.staff.errors import UnknownUser
from comptoir.runtime import crypto
from comptoir.runtime.database import Database, Tx
from comptoir.surfaces.demo.loading import DEMO

FILE = "demo.json"
_DOMAIN = "demo.example"


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in: as any of the users with the one password, or with an API token."""

    email: str
    password: str
    token: str
    others: tuple[str, ...]


def address(role: Role) -> str:
    return f"{role.value}@{_DOMAIN}"


async def ensure(database: Database, folder: Path) -> Login:
    """The login that the file in the data folder tells. When the file is new, or is from another database, users and token are
    made to fit.
    """
    kept = _read(folder / FILE)
    async with database.transaction(DEMO) as tx:
        if kept is not None and await _fits(tx, kept):
            return kept
        login = await _make(tx, kept)
    _write(folder / FILE, login)
    return login


async def _fits(tx: Tx, login: Login) -> bool:
    found = await staff.credentials(tx, login.email)
    return found.user_id is not None and await crypto.password_fits(found.password_hash, login.password)


async def _make(tx: Tx, kept: Login | None) -> Login:
    password = kept.password if kept is not None else crypto.new_token("pw")[3:19]
    for role in Role:
        draft = UserDraft(
            email=address(role), name=role.value.capitalize(), role=role, locale="en", time_zone="America/New_York"
        )
        try:
            user = await staff.user_by_email(tx, draft.email)
        except UnknownUser:
            await staff.create_user(tx, draft, password)
        else:
            await staff.set_password(tx, user.id, password)
    _, token = await staff.create_token(tx, "Demo", list(Scope))
    others = tuple(address(role) for role in Role if role is not Role.OWNER)
    return Login(address(Role.OWNER), password, token, others)


def _read(path: Path) -> Login | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Login)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _write(path: Path, login: Login) -> None:
    """Whole or not at all, and for nobody else to read."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(login), indent=2))
    draft.replace(path)
