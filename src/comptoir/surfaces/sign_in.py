"""Signing in, as every surface does it: no connection is held while the password is being hashed."""

from __future__ import annotations

from comptoir.kernel.ids import ActorId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Opened
from comptoir.modules.staff.errors import SignInRefused
from comptoir.runtime.database import Context, Database


async def sign_in(
    database: Database,
    guard: staff.SignInGuard,
    email: str,
    password: str,
    *,
    address: str = "",
    agent: str = "",
    request_id: str = "",
) -> Opened:
    """A session. Raises SignInRefused and TooManyRequests."""
    guard.check(email, address)
    async with database.read() as reader:
        found = await staff.credentials(reader, email)
    context = Context(ActorId("system" if found.user_id is None else f"user:{found.user_id}"), request_id)
    try:
        await staff.check_password(found, password)
        async with database.transaction(context) as tx:
            opened = await staff.open_session(tx, found, address=address, agent=agent, password=password)
    except SignInRefused:
        async with database.transaction(context) as tx:
            await staff.sign_in_failed(tx, found, address=address)
        raise
    guard.succeeded(email)
    return opened
