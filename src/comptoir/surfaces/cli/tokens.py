"""`comptoir token`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from comptoir.kernel.checking import invalid
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import TOKEN_PREFIX, Scope, Token, TokenFilter, TokenId
from comptoir.runtime.database import Tx
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.users import Locations, in_transaction, places

app = App(name="token", help="The tokens that programs use the API with.", help_format="markdown")


@app.command
def create(
    name: str,
    *,
    scope: Annotated[list[str] | None, Parameter(help="What it may do, such as orders:write; give it several times.")] = None,
    everything: Annotated[bool, Parameter(name="--all", negative="", help="All scopes.")] = False,
    location: Locations = None,
    days: Annotated[int | None, Parameter(help="How long it holds; without it, until it is revoked.")] = None,
) -> None:
    """Make a token. Its secret is shown this once; we keep only a fingerprint of it.

    Only the secret goes to standard output, so that a script can keep it.

    For example:

          comptoir token create web-shop --scope orders:write --scope stock:read
          comptoir token create till --scope orders:write --scope fulfilment:write --location S367
          TOKEN=$(comptoir token create bench --all --days 1)
    """
    scopes = list(Scope) if everything else [_scope(word) for word in scope or []]
    if not scopes:
        raise invalid("scope", f"says what the token may do: --all, or --scope with one of {', '.join(Scope)}")
    if days is not None and not 1 <= days <= 3650:
        raise invalid("days", "is a whole number from 1 to 3650")
    until = None if days is None else utcnow() + timedelta(days=days)

    async def work(tx: Tx) -> tuple[Token, str]:
        return await staff.create_token(tx, name, scopes, expires_at=until, limited_to=await places(tx, location))

    token, secret = in_transaction(work)
    terminal.note(f"Token {to_text(TOKEN_PREFIX, token.id)} ({token.name}) may: {', '.join(token.scopes)}.")
    terminal.hint("Its secret, shown this once:")
    terminal.say(secret)


def _scope(word: str) -> Scope:
    try:
        return Scope(word)
    except ValueError as problem:
        raise invalid("scope", f"is one of {', '.join(Scope)}, not {word!r}") from problem


@app.command(name="list")
def list_tokens() -> None:
    """List the tokens, without their secrets.

    For example:

          comptoir token list
    """

    async def work(tx: Tx) -> list[tuple[str, ...]]:
        return [_row(token) async for token in staff.stream_tokens(tx, TokenFilter(), sort="-created")]

    terminal.table(("id", "name", "scopes", "used (UTC)", "holds"), in_transaction(work))


def _row(token: Token) -> tuple[str, ...]:
    if token.revoked_at is not None:
        holds = f"revoked {token.revoked_at:%Y-%m-%d}"
    else:
        holds = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "yes"
    used = f"{token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never"
    return (to_text(TOKEN_PREFIX, token.id), token.name, " ".join(token.scopes), used, holds)


@app.command
def revoke(token: str) -> None:
    """End a token: whoever uses it is refused within seconds.

    For example:

          comptoir token revoke tok_01k5c3…
    """
    try:
        token_id = TokenId(from_text(TOKEN_PREFIX, token))
    except ValueError as problem:
        raise invalid("token", str(problem)) from problem
    revoked = in_transaction(lambda tx: staff.revoke_token(tx, token_id))
    terminal.done(f"{revoked.name} is revoked.")
