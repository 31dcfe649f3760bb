"""How a route is declared: a handler in a resource, with the scope that it needs and what it may refuse.

    locations = Resource("Locations", "Where stock is.")

    @locations.post("/v1/locations", Scope.LOCATIONS_WRITE, refuses=(LocationCodeTaken,))
    async def create_location(call: Call, body: NewLocation) -> Answer[LocationShape]:
        \"\"\"Create a location.

        What OpenAPI says beyond that.
        \"\"\"
        async with call.transaction() as tx:
            made = await api.create(tx, body.draft())
            return await call.done(tx, location_shape(made), 201)

The name of the handler is its operationId and its docstring its description; the types of `body`, `query` and of the answer
are read from its annotations, for decoding, checking and describing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args, get_type_hints

import msgspec

from comptoir.kernel.errors import Invalid, Refusal
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.idempotency import IdempotencyKeyReused
from comptoir.surfaces.api.asking import BodyReader, QueryReader
from comptoir.surfaces.api.reaching import narrowed

if TYPE_CHECKING:
    from comptoir.surfaces.api.answering import Call

T = TypeVar("T")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

MIB = 1024 * 1024


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """What goes out: bytes that say a `T`."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    stream: AsyncIterator[bytes] | None = None
    """Instead of a body that is larger than a process should hold at once."""


Handler = Callable[..., Awaitable[Answer[Any]]]


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    handler: Handler
    method: Method
    path: str
    tag: str
    scope: Scope | None
    """None is whoever has a token; see `public`."""
    public: bool
    """Anybody, without a token."""
    status: int
    refuses: tuple[type[Refusal], ...]
    if_match: bool
    max_body: int
    quiet: bool
    """Success is not worth a line in the log: it is asked thousands of times a second, and what it did is in the event log."""
    content_type: str
    example: Any
    """The body of a request, where the one that the schema gives would not be a sensible one."""
    by_code: bool
    """What it makes is addressed by its code rather than its id."""
    sealed: bool
    """Its request or its answer holds a secret: what is kept under an idempotency key is encrypted."""
    asks: bool
    """A question that fits no address: a POST that changes nothing."""
    streams: bool
    """Its body is a file, which the handler takes part by part (`call.parts`)."""
    worded: bool = False
    """Its answer has words in the language that `Accept-Language` likes best, and says in which."""

    @cached_property
    def name(self) -> str:
        return self.handler.__name__

    @cached_property
    def changes(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return self.method != "GET" and not self.public and not self.asks

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.handler, include_extras=True)

    @cached_property
    def body_type(self) -> Any:
        return self._hints.get("body")

    @cached_property
    def query_type(self) -> Any:
        return self._hints.get("query")

    @cached_property
    def answer_type(self) -> Any:
        """None where the answer has no body."""
        (kind,) = get_args(self._hints["return"])
        return None if kind is type(None) else kind

    @cached_property
    def names_itself(self) -> bool:
        """Whether the answer has an id or a version of its own, of which Location and ETag are made."""
        fields = getattr(self.answer_type, "__struct_fields__", ())
        return "version" in fields or (self.status == 201 and ("code" if self.by_code else "id") in fields)

    @cached_property
    def words(self) -> tuple[str, str]:
        """Summary and description."""
        summary, _, rest = inspect.cleandoc(self.handler.__doc__ or "").partition("\n\n")
        return " ".join(summary.split()).rstrip("."), rest.strip()

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @cached_property
    def codes(self) -> tuple[type[Refusal], ...]:
        """Everything that it may refuse, as far as it is a matter of this route."""
        own = [IdempotencyKeyReused, Invalid] if self.changes else []
        return tuple(dict.fromkeys([*self.refuses, *own]))

    @cached_property
    def run(self) -> Callable[[Call, bytes], Awaitable[Answer[Any]]]:
        """Reads what the handler asks for, then asks the handler."""
        read_body = None if self.body_type is None else BodyReader[Any](self.body_type)
        read_query = None if self.query_type is None else QueryReader[Any](self.query_type)
        handler = self.handler

        async def run(call: Call, body: bytes) -> Answer[Any]:
            given: dict[str, Any] = {}
            if read_query is not None:
                given["query"] = narrowed(self, read_query(call.query_string), call.principal)
            if read_body is not None:
                given["body"] = read_body(body, call.headers)
            return await handler(call, **given)

        return run


Declare = Callable[[Handler], Handler]


class Resource:
    """Routes about one kind of thing. The name is its tag in OpenAPI."""

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.description = description
        self.operations: list[Operation] = []

    def get(
        self,
        path: str,
        scope: Scope | None = None,
        *,
        public: bool = False,
        refuses: Sequence[type[Refusal]] = (),
        quiet: bool = False,
        content_type: str = "application/json",
        worded: bool = False,
    ) -> Declare:
        return self._add(
            "GET", path, scope, public=public, refuses=refuses, quiet=quiet, content_type=content_type, worded=worded
        )

    def post(
        self,
        path: str,
        scope: Scope | None,
        *,
        status: int = 200,
        refuses: Sequence[type[Refusal]] = (),
        if_match: bool = False,
        max_body: int = MIB,
        quiet: bool = False,
        example: Any = None,
        by_code: bool = False,
        sealed: bool = False,
        asks: bool = False,
        streams: bool = False,
    ) -> Declare:
        return self._add(
            "POST", path, scope, status=status, refuses=refuses, if_match=if_match, max_body=max_body, quiet=quiet,
            example=example, by_code=by_code, sealed=sealed, asks=asks, streams=streams,
        )  # fmt: skip

    def put(
        self,
        path: str,
        scope: Scope | None,
        *,
        status: int = 200,
        refuses: Sequence[type[Refusal]] = (),
        if_match: bool = False,
        example: Any = None,
    ) -> Declare:
        return self._add("PUT", path, scope, status=status, refuses=refuses, if_match=if_match, example=example)

    def patch(
        self,
        path: str,
        scope: Scope | None,
        *,
        refuses: Sequence[type[Refusal]] = (),
        if_match: bool = True,
        example: Any = None,
        sealed: bool = False,
    ) -> Declare:
        return self._add("PATCH", path, scope, refuses=refuses, if_match=if_match, example=example, sealed=sealed)

    def delete(
        self,
        path: str,
        scope: Scope | None,
        *,
        status: int = 204,
        refuses: Sequence[type[Refusal]] = (),
        if_match: bool = False,
    ) -> Declare:
        return self._add("DELETE", path, scope, status=status, refuses=refuses, if_match=if_match)

    def _add(
        self,
        method: Method,
        path: str,
        scope: Scope | None,
        *,
        public: bool = False,
        status: int = 200,
        refuses: Sequence[type[Refusal]] = (),
        if_match: bool = False,
        max_body: int = MIB,
        quiet: bool = False,
        content_type: str = "application/json",
        example: Any = None,
        by_code: bool = False,
        sealed: bool = False,
        asks: bool = False,
        streams: bool = False,
        worded: bool = False,
    ) -> Declare:
        def keep(handler: Handler) -> Handler:
            self.operations.append(
                Operation(
                    handler, method, path, self.name, scope, public, status, tuple(refuses), if_match, max_body, quiet,
                    content_type, example, by_code, sealed, asks, streams, worded,
                )
            )  # fmt: skip
            return handler

        return keep


class PageOf(msgspec.Struct, Generic[T], frozen=True):
    """Some of a list. `Link` has the addresses of the pages around it."""

    items: list[T]
    next: str | None
    """The `cursor` of what comes after; null at the end of the list."""
