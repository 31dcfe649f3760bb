"""Who asks; and for owners, users and tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.staff import api
from comptoir.modules.staff.api import SCOPES
from comptoir.modules.staff.contracts import Role, Scope, Token, TokenFilter, TokenId, User, UserDraft, UserFilter, UserId
from comptoir.modules.staff.errors import EmailTaken, LastOwner, LocationBeyondYou, ScopeBeyondYou, UnknownToken, UnknownUser
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Actor,
    Instant,
    LocationRef,
    PageQuery,
    Request,
    Search,
    Shape,
    TokenRef,
    UserRef,
    Words,
    given,
)

staff = Resource("Access", "Who asks; and for owners, the users and tokens of the house.")

_Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=r"^[^\u0000-\u0020\u007f]+@[^\u0000-\u0020\u007f]+$",
        examples=["camille@example.com"],
    ),
]
_Name = Annotated[Words, Meta(min_length=1, examples=["Camille Martin"])]
_Zone = Annotated[
    str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Paris"], description="An IANA name.")
]
_Scopes = Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=len(Scope))]


_Limit = Annotated[list[LocationRef], Meta(description="Whose work they do; empty is every location's.")]
_NewLimit = Annotated[
    tuple[LocationRef, ...],
    Meta(max_length=10_000, description="Whose work they do and whose stock they move; empty is every location's."),
]


class Me(Shape, frozen=True, kw_only=True):
    """Who asks, and what they may."""

    actor: Actor
    name: str
    scopes: list[Scope]
    expires_at: Instant | None
    location_ids: _Limit


class UserShape(Shape, frozen=True, kw_only=True):
    id: UserRef
    email: str
    name: str
    role: Role
    locale: str
    time_zone: str
    active: bool
    created_at: Instant
    signed_in_at: Instant | None
    location_ids: _Limit


class NewUser(Request, frozen=True, kw_only=True):
    """A user that is to be. Without a password they cannot sign in yet."""

    email: _Email
    name: _Name
    role: Role
    locale: Literal["fr", "en"] = "fr"
    time_zone: _Zone = "Europe/Paris"
    location_ids: _NewLimit = ()
    password: Annotated[str, Meta(min_length=10, max_length=1024, examples=["correct horse battery staple"])] | None = None


class ChangeUser(Request, frozen=True, kw_only=True):
    """What is to be otherwise. Who is no longer `active` is shut out at once."""

    email: _Email | UnsetType = UNSET
    name: _Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    locale: Literal["fr", "en"] | UnsetType = UNSET
    time_zone: _Zone | UnsetType = UNSET
    location_ids: _NewLimit | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class UserQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["name", "-name", "email", "-email", "role", "-role", "created", "-created"] = "name"
    search: Search = ""
    role: Role | None = None
    active: bool | None = None


class TokenShape(Shape, frozen=True, kw_only=True):
    """A token. Its secret is known to nobody but its holder."""

    id: TokenRef
    name: str
    scopes: list[Scope]
    created_by: UserRef | None
    created_at: Instant
    expires_at: Instant | None
    used_at: Annotated[Instant, Meta(description="To the minute or so.")] | None
    revoked_at: Instant | None
    location_id: Annotated[LocationRef, Meta(description="The supplier whose token it is.")] | None
    location_ids: _Limit


class CreatedTokenShape(TokenShape, frozen=True, kw_only=True):
    """A new token with its secret, which is shown this once."""

    secret: Annotated[str, Meta(examples=["ctk_…"])]


class NewToken(Request, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE, examples=["Web shop"])]
    scopes: _Scopes
    expires_at: Instant | None = None
    location_id: (
        Annotated[
            LocationRef,
            Meta(description="A supplier: the token sees what is asked of them and nothing else (`purchases:answer`)."),
        ]
        | None
    ) = None
    location_ids: _NewLimit = ()


class LimitToken(Request, frozen=True, kw_only=True):
    """Whose work a token does from now on."""

    location_ids: _NewLimit


class TokenQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["name", "-name", "created", "-created"] = "-created"
    search: Search = ""
    revoked: bool | None = None


@staff.get("/v1/me")
async def get_me(call: Call) -> Answer[Me]:
    """Say who asks, and what they may."""
    asker = call.asker
    return call.answer(
        Me(
            actor=show_actor(asker.actor),
            name=asker.name,
            scopes=[scope for scope in Scope if SCOPES[scope] <= asker.permissions],
            expires_at=asker.expires_at,
            location_ids=_shown(asker.locations),
        )
    )


@staff.get("/v1/users", Scope.STAFF_WRITE)
async def list_users(call: Call, query: UserQuery) -> Answer[PageOf[UserShape]]:
    """List users."""
    wanted = UserFilter(search=query.search, role=query.role, active=query.active)
    async with call.reading() as reader:
        page = await api.find_users(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _user)


@staff.post("/v1/users", Scope.STAFF_WRITE, status=201, refuses=(EmailTaken, UnknownLocation), sealed=True)
async def create_user(call: Call, body: NewUser) -> Answer[UserShape]:
    """Add a user.

    With `location_ids` they do the work of those locations and move their stock; what belongs to others is refused to them with
    `other_location`, as it is to a token with `location_ids`.
    """
    draft = UserDraft(
        email=body.email,
        name=body.name,
        role=body.role,
        locale=body.locale,
        time_zone=body.time_zone,
        locations=_places(body.location_ids),
    )
    async with call.transaction() as tx:
        return await call.done(tx, _user(await api.create_user(tx, draft, body.password)))


@staff.get("/v1/users/{user_id}", Scope.STAFF_WRITE, refuses=(UnknownUser,))
async def get_user(call: Call) -> Answer[UserShape]:
    """Get a user."""
    async with call.reading() as reader:
        return call.answer(_user(await api.get_user(reader, UserId(call.id("user")))))


@staff.patch(
    "/v1/users/{user_id}", Scope.STAFF_WRITE, refuses=(UnknownUser, EmailTaken, LastOwner, UnknownLocation), if_match=False
)
async def change_user(call: Call, body: ChangeUser) -> Answer[UserShape]:
    """Change a user, let them in or shut them out."""
    changes: dict[str, Any] = given(body)
    active = changes.pop("active", None)
    if "location_ids" in changes:
        changes["locations"] = _places(changes.pop("location_ids"))
    async with call.transaction() as tx:
        there = await api.get_user(tx, UserId(call.id("user")))
        changed = await api.update_user(tx, there.id, replace(there, **changes)) if changes else there
        if active is not None:
            changed = await api.set_active(tx, there.id, active=active)
        return await call.done(tx, _user(changed))


@staff.get("/v1/tokens", Scope.STAFF_WRITE)
async def list_tokens(call: Call, query: TokenQuery) -> Answer[PageOf[TokenShape]]:
    """List tokens."""
    wanted = TokenFilter(search=query.search, revoked=query.revoked)
    async with call.reading() as reader:
        page = await api.find_tokens(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda one: TokenShape(**_token(one)))


@staff.post(
    "/v1/tokens", Scope.STAFF_WRITE, status=201, refuses=(ScopeBeyondYou, LocationBeyondYou, UnknownLocation), sealed=True
)
async def create_token(call: Call, body: NewToken) -> Answer[CreatedTokenShape]:
    """Make a token. It can do no more than the one that makes it."""
    async with call.transaction() as tx:
        of = parsed_some("location", body.location_id)
        made, secret = await api.create_token(
            tx,
            body.name,
            body.scopes,
            expires_at=body.expires_at,
            by=call.asker,
            location_id=None if of is None else LocationId(of),
            limited_to=_places(body.location_ids),
        )
        return await call.done(tx, CreatedTokenShape(**_token(made), secret=secret))


@staff.get("/v1/tokens/{token_id}", Scope.STAFF_WRITE, refuses=(UnknownToken,))
async def get_token(call: Call) -> Answer[TokenShape]:
    """Get a token."""
    async with call.reading() as reader:
        return call.answer(TokenShape(**_token(await api.get_token(reader, TokenId(call.id("token"))))))


@staff.patch(
    "/v1/tokens/{token_id}", Scope.STAFF_WRITE, refuses=(UnknownToken, LocationBeyondYou, UnknownLocation), if_match=False
)
async def limit_token(call: Call, body: LimitToken) -> Answer[TokenShape]:
    """Limit a token to the work of some locations, or, with none, of all: within seconds in every process."""
    async with call.transaction() as tx:
        limited = await api.limit_token(tx, TokenId(call.id("token")), _places(body.location_ids), by=call.asker)
        answer = await call.done(tx, TokenShape(**_token(limited)))
    call.services.tokens.forget()
    return answer


@staff.post("/v1/tokens/{token_id}/revoke", Scope.STAFF_WRITE, refuses=(UnknownToken,))
async def revoke_token(call: Call) -> Answer[TokenShape]:
    """Revoke a token: within seconds no process takes it any more."""
    async with call.transaction() as tx:
        answer = await call.done(tx, TokenShape(**_token(await api.revoke_token(tx, TokenId(call.id("token"))))))
    call.services.tokens.forget()
    return answer


def _places(texts: Iterable[str]) -> tuple[LocationId, ...]:
    return tuple(LocationId(parsed("location", one)) for one in texts)


def _shown(places: Iterable[LocationId]) -> list[str]:
    return [show_location(one) for one in sorted(places)]


def _user(user: User) -> UserShape:
    return UserShape(
        id=show("user", user.id),
        email=user.email,
        name=user.name,
        role=user.role,
        locale=user.locale,
        time_zone=user.time_zone,
        active=user.active,
        created_at=user.created_at,
        signed_in_at=user.signed_in_at,
        location_ids=_shown(user.locations),
    )


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": show("token", token.id),
        "name": token.name,
        "scopes": list(token.scopes),
        "created_by": show_some("user", token.created_by),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
        "revoked_at": token.revoked_at,
        "location_id": show_some("location", token.location_id),
        "location_ids": _shown(token.locations),
    }
