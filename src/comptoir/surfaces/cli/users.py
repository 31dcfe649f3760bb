"""`comptoir user`."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Annotated, TypeVar

from cyclopts import App, Parameter

from comptoir.kernel.checking import invalid
from comptoir.kernel.ids import to_text
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import USER_PREFIX, Role, User, UserDraft, UserFilter
from comptoir.runtime import crypto
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.databases import OPERATOR, opened, ready

T = TypeVar("T")

app = App(name="user", help="The people who may sign in at the console.", help_format="markdown")

Locations = Annotated[
    list[str] | None,
    Parameter(negative="", help="The code of a location whose work it is; give it several times. Without it, of all."),
]
Stdin = Annotated[bool, Parameter(negative="", help="Read the password from standard input, for scripts.")]


def in_transaction(work: Callable[[Tx], Awaitable[T]]) -> T:
    """Does it on the database of this command, and commits."""

    async def run() -> T:
        async with opened(found) as database, database.transaction(OPERATOR) as tx:
            return await work(tx)

    with ready(Settings.load()) as found:
        return asyncio.run(run())


@app.command
def add(
    email: str,
    *,
    name: str = "",
    role: Role = Role.OPERATIONS,
    locale: str = "fr",
    time_zone: str = "Europe/Paris",
    location: Locations = None,
    password_stdin: Stdin = False,
) -> None:
    """Add somebody. Without --password-stdin a password is made up and shown once.

    For example:

          comptoir user add marie@example.com --name "Marie Curie" --role store --location S367
          printf %s "$PASSWORD" | comptoir user add bob@example.com --role owner --password-stdin
    """
    password = _password(stdin=True) if password_stdin else crypto.new_token("pw")[3:19]
    draft = UserDraft(email=email, name=name or email.partition("@")[0], role=role, locale=locale, time_zone=time_zone)

    async def work(tx: Tx) -> User:
        return await staff.create_user(tx, replace(draft, locations=await places(tx, location)), password)

    user = in_transaction(work)
    terminal.done(f"{user.email} may sign in as {user.role}{_at(location)}.")
    if not password_stdin:
        terminal.say(f"Password, shown this once: {password}")


async def places(reader: Reader, codes: Sequence[str] | None) -> tuple[LocationId, ...]:
    """The locations of these codes; raises Invalid for one that is none."""
    wanted = list(dict.fromkeys(codes or ()))
    found = await locations.ids(reader, wanted) if wanted else {}
    for code in wanted:
        if code not in found:
            raise invalid("location", f"{code!r} is the code of no location")
    return tuple(found[code] for code in wanted)


def _at(codes: Sequence[str] | None) -> str:
    return f" at {', '.join(codes)}" if codes else ""


@app.command(name="locations")
def limit(email: str, *, location: Locations = None) -> None:
    """Limit somebody to the work and the stock of some locations; without --location, let them work at all of them.

    For example:

          comptoir user locations marie@example.com --location S367 --location S368
          comptoir user locations marie@example.com
    """

    async def work(tx: Tx) -> None:
        user = await staff.user_by_email(tx, email)
        await staff.update_user(tx, user.id, replace(user, locations=await places(tx, location)))

    in_transaction(work)
    terminal.done(f"{email} works{_at(location) or ' at every location'}.")


@app.command(name="list")
def list_users(*, search: str = "", role: Role | None = None) -> None:
    """List everybody, with their roles.

    For example:

          comptoir user list
          comptoir user list --role owner
    """

    async def work(tx: Tx) -> list[tuple[str, ...]]:
        wanted = UserFilter(search=search, role=role)
        return [
            (
                user.email,
                user.name,
                user.role.value,
                "yes" if user.active else "no",
                f"{user.signed_in_at:%Y-%m-%d %H:%M}" if user.signed_in_at else "never",
                str(len(user.locations)) if user.locations else "all",
                to_text(USER_PREFIX, user.id),
            )
            async for user in staff.stream_users(tx, wanted, sort="email")
        ]

    terminal.table(("e-mail", "name", "role", "active", "signed in (UTC)", "locations", "id"), in_transaction(work))


@app.command
def password(email: str, *, password_stdin: Stdin = False) -> None:
    """Set somebody's password; they are signed out everywhere.

    For example:

          comptoir user password marie@example.com
    """
    chosen = _password(stdin=password_stdin)

    async def work(tx: Tx) -> None:
        user = await staff.user_by_email(tx, email)
        await staff.set_password(tx, user.id, chosen)

    in_transaction(work)
    terminal.done(f"{email} has a new password.")


@app.command
def role(email: str, role: Role) -> None:
    """Give somebody another role.

    For example:

          comptoir user role marie@example.com owner
    """

    async def work(tx: Tx) -> None:
        user = await staff.user_by_email(tx, email)
        await staff.update_user(tx, user.id, replace(user, role=role))

    in_transaction(work)
    terminal.done(f"{email} is {role} now.")


@app.command
def deactivate(email: str, *, undo: Annotated[bool, Parameter(negative="", help="Let them in again.")] = False) -> None:
    """Shut somebody out at once: all their sessions end. What they did stays.

    For example:

          comptoir user deactivate bob@example.com
          comptoir user deactivate bob@example.com --undo
    """

    async def work(tx: Tx) -> None:
        user = await staff.user_by_email(tx, email)
        await staff.set_active(tx, user.id, active=undo)

    in_transaction(work)
    terminal.done(f"{email} {'may sign in again' if undo else 'is shut out'}.")


def _password(*, stdin: bool) -> str:
    """From standard input, or typed twice."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise invalid("password", "is asked for at a terminal: use --password-stdin in scripts")
    first = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != first:
        raise invalid("password", "was typed differently the second time; nothing was changed")
    return first
