"""What happens around every route: request id, who asks, may they, idempotency, how failures are told, log and figures."""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NoReturn, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import psycopg.errors
import structlog
from litestar.types import HTTPScope, Message, Receive, Send

from comptoir.kernel.errors import Refusal
from comptoir.modules.staff.api import SCOPES
from comptoir.modules.staff.contracts import Principal, Scope
from comptoir.modules.staff.errors import NotPermitted, Unauthenticated
from comptoir.runtime import idempotency
from comptoir.runtime import log as logs
from comptoir.runtime.database import Contended, Context, Reader, Tx
from comptoir.runtime.limits import address_key
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.paging import Page
from comptoir.surfaces.api import reaching
from comptoir.surfaces.api.asking import Headers, query_pairs, read_body, read_parts, wrong
from comptoir.surfaces.api.identifiers import named
from comptoir.surfaces.api.operations import Answer, Operation, PageOf
from comptoir.surfaces.api.problems import CONTENT_TYPE, MethodNotAllowed, UnknownRoute, tell
from comptoir.surfaces.capture import Key
from comptoir.surfaces.services import Services

T = TypeVar("T")
U = TypeVar("U")

access = structlog.get_logger("comptoir.access")
encode = msgspec.json.Encoder().encode

_ATTEMPTS = 3
_SEAL = "idempotency"
_SLOW = 1.0
_SELDOM = {"seldom": 10.0}
"""In an outage every request fails: the metrics count them."""
_ENTITY_TAG = re.compile(r'(?:W/)?"([0-9]{1,10})(?:-[0-9a-f]{8})?"')
_BODILESS = frozenset({204, 304})
_SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


_REPLACED = frozenset({b"cache-control", b"content-security-policy"})
"""Headers that an answer may bring itself, instead of those that all have."""
_NONE: Mapping[str, Any] = {}
WHOLE: Final = "comptoir.whole_answer"
"""The ASGI extension of a server that sends an answer in one piece: a `SendWhole`. Two messages and a look at each header cost
as much as all else that HTTP needs."""
SendWhole = Callable[[int, bytes, bytes], bool]
"""Takes a status, the lines of the head and the body. False when the client does not read as fast: nothing was sent then."""


class OutOfRange(Refusal):
    """Together, these numbers are larger than what can be kept."""

    code = "out_of_range"
    status = 422
    title = "A number is too large"


class _Replay(Exception):  # noqa: N818 - it is an answer
    """The request came before, and this is what it was answered."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


class _Own(msgspec.Struct):
    id: str = ""
    code: str = ""
    version: int | None = None


_own = msgspec.json.Decoder(_Own)


class Call:
    """One request, as its handler sees it."""

    __slots__ = (
        "_fingerprint",
        "_key",
        "_receive",
        "address",
        "headers",
        "kept",
        "operation",
        "parameters",
        "path",
        "principal",
        "query_string",
        "request_id",
        "services",
    )

    def __init__(
        self,
        services: Services,
        operation: Operation,
        scope: HTTPScope,
        headers: Headers,
        parameters: Mapping[str, str],
        request_id: str,
        receive: Receive,
    ) -> None:
        self.services = services
        self.operation = operation
        self.headers = headers
        self.request_id = request_id
        self.parameters = parameters
        self.path = scope["raw_path"].decode("latin-1")
        self.query_string = scope["query_string"]
        client = scope["client"]
        self.address = client[0] if client else ""
        self.principal: Principal | None = None
        self.kept = False
        self._key: str | None = None
        self._fingerprint = b""
        self._receive = receive

    @property
    def asker(self) -> Principal:
        assert self.principal is not None, "a route that is not public has somebody who asks"
        return self.principal

    @property
    def context(self) -> Context:
        return Context(self.asker.actor, self.request_id)

    @property
    def key(self) -> Key | None:
        """The idempotency key, with what it is for."""
        return None if self._key is None else Key(self.asker.actor, self._key, self._fingerprint)

    async def authenticate(self) -> Principal:
        """Who asks. Raises Unauthenticated, and TooManyRequests for who has tried too many tokens that are none."""
        scheme, _, secret = self.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        secret = secret.strip() if scheme.lower() == "bearer" else ""
        known = self.services.tokens.known(secret)
        if known is not None:
            return known
        address = address_key(self.address)
        self.services.strangers.check(address)
        try:
            return await self.services.tokens.principal(secret)
        except Unauthenticated:
            if secret:
                self.services.strangers.take(address)
            raise

    def take_key(self, body: bytes) -> None:
        """Raises Invalid for a key that cannot be one."""
        given = self.headers.get(b"idempotency-key")
        if given is not None:
            self._key = idempotency.checked_key(given.decode("latin-1"))
            path = f"{self.path}?{self.query_string.decode('latin-1')}" if self.query_string else self.path
            if self.operation.sealed:
                body = self.services.keyring.mac(body, _SEAL)
            self._fingerprint = idempotency.fingerprint(self.operation.method, path, body)

    def parts(self) -> AsyncGenerator[bytes]:
        """The body of an operation that `streams`. Whoever has read it says what was in it: `take_key(digest)`."""
        return read_parts(self._receive, self.headers, self.operation.max_body)

    def id(self, kind: str) -> UUID:
        """The id of that kind in the path."""
        return named(kind, self.parameters[f"{kind}_id"])

    def text(self, name: str) -> str:
        """Text in the path: a code or a SKU."""
        text = self.parameters[name]
        if "\0" in text:
            raise wrong(name, "holds a NUL character")
        return text

    def expected_version(self) -> int | None:
        """The version that the caller decided on; None for whichever. Raises InvalidRequest for a tag that is none of ours."""
        given = self.headers.get(b"if-match", b"*").decode("latin-1").strip()
        if given == "*":
            return None
        found = _ENTITY_TAG.fullmatch(given)
        if found is None:
            raise wrong("If-Match", "is not an ETag that was given out for this")
        return int(found.group(1))

    def decided_on(self, version: int) -> int:
        """The version that a change has to find: the caller's, or the one that has just been read."""
        expected = self.expected_version()
        return version if expected is None else expected

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        return self.services.database.read()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """The transaction of a change. A request whose key was answered before does not get past its beginning."""
        async with self.services.database.transaction(self.context) as tx:
            key = self.key
            if key is not None:
                await idempotency.lock(tx, key.scope, key.key)
                stored = await idempotency.lookup(tx, key.scope, key.key, key.fingerprint)
                if stored is not None:
                    raise _Replay(stored.status, self._unsealed(stored.answer))
            yield tx

    async def done(self, tx: Tx, value: T, status: int | None = None) -> Answer[T]:
        """The answer to a change, kept under the request's key in the transaction that made it."""
        answer = self.answer(value, status)
        key = self.key
        if key is not None:
            body = self.services.keyring.encrypt(answer.body, _SEAL) if self.operation.sealed else answer.body
            await idempotency.store(tx, key.scope, key.key, key.fingerprint, answer.status, body)
        self.kept = True
        return answer

    def _unsealed(self, body: bytes) -> bytes:
        return self.services.keyring.decrypt(body, _SEAL) if self.operation.sealed else body

    def answer(self, value: T, status: int | None = None) -> Answer[T]:
        status = status or self.operation.status
        return Answer(status, b"" if value is None else encode(value))

    def page(self, page: Page[T], show: Callable[[T], U]) -> Answer[PageOf[U]]:
        """One page of a list, with links to those around it."""
        links = [(page.next, "next"), (page.previous, "prev")]
        link = ", ".join(f'<{self._at(cursor)}>; rel="{rel}"' for cursor, rel in links if cursor is not None)
        body = encode(PageOf([show(item) for item in page.items], page.next))
        return Answer(200, body, headers=((b"link", link.encode()),) if link else ())

    def _at(self, cursor: str) -> str:
        pairs = [(name, text) for name, text in query_pairs(self.query_string) if name != "cursor"]
        return f"{self.path}?{urlencode([*pairs, ('cursor', cursor)])}"


class Figures:
    """Counts requests. The labelled series are looked up once for each route and status."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def __call__(self, method: str, route: str, status: int, seconds: float) -> None:
        known = self._known.get((method, route, status))
        if known is None:
            count = self._metrics.requests.labels(method, route, str(status)).inc
            known = self._known[method, route, status] = (
                count,
                self._metrics.request_seconds.labels(method, route).observe,
            )
        known[0]()
        known[1](seconds)


class Front:
    """Answers requests with the operations of an address."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._figures = Figures(services.metrics)
        self._headers = _SECURITY
        if services.settings.public_url.startswith("https:"):
            self._headers = (*_SECURITY, (b"strict-transport-security", b"max-age=31536000"))
        self._head = b"".join([b"%b: %b\r\n" % header for header in self._headers])

    async def __call__(
        self, operations: Mapping[str, Operation], parameters: Mapping[str, str], scope: HTTPScope, receive: Receive, send: Send
    ) -> None:
        began = time.perf_counter()
        headers: Headers = dict(cast("Any", scope["headers"]))
        method = scope["method"]
        operation = operations.get("GET" if method == "HEAD" else method)
        with logs.request(headers.get(b"x-request-id", b"").decode("latin-1")) as request_id:
            call: Call | None = None
            try:
                call = Call(self._services, operation or _missing(operations), scope, headers, parameters, request_id, receive)
                answer = await self._answer(call, receive)
            except Exception as problem:  # noqa: BLE001 - the outermost edge: what is not expected is logged and told as a bug
                answer = failure(problem, request_id)
            whole = cast("Any", scope).get("extensions", _NONE).get(WHOLE)
            if whole is None or method == "HEAD" or not self._send_whole(answer, whole, request_id):
                await self.send(answer, send, request_id, bare=method == "HEAD")
            route = next((one.path for one in operations.values()), "unknown")
            self.note(scope, route, answer.status, began, call)

    async def _answer(self, call: Call, receive: Receive) -> Answer[Any]:
        operation = call.operation
        if not operation.public:
            call.principal = await call.authenticate()
            if operation.scope is not None:
                _require(call.principal, operation.scope)
        body = b""
        if operation.method != "GET":
            if not operation.streams:
                body = await read_body(receive, call.headers, operation.max_body)
            if operation.changes:
                call.take_key(body)
        await reaching.guard(call, body)
        return await _run(call, body)

    def _send_whole(self, answer: Answer[Any], whole: SendWhole, request_id: str) -> bool:
        """Sends an ordinary answer in one piece, where the server can. False where it cannot, and for what is not ordinary."""
        own = b"".join([b"%b: %b\r\n" % header for header in answer.headers])
        if (
            answer.status in _BODILESS
            or answer.stream is not None
            or own.count(b"\n") != len(answer.headers)
            or not _REPLACED.isdisjoint(dict(answer.headers))
        ):
            return False
        body = answer.body
        head = b"content-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n%b%b" % (
            answer.content_type,
            len(body),
            request_id.encode(),
            own,
            self._head,
        )
        return whole(answer.status, head, body)

    async def send(self, answer: Answer[Any], send: Send, request_id: str, *, bare: bool = False) -> None:
        body = answer.body
        headers = [
            (b"content-type", answer.content_type),
            *([] if answer.stream else [(b"content-length", str(len(body)).encode())]),
            (b"x-request-id", request_id.encode()),
            *answer.headers,
            *self._headers,
        ]
        if answer.status in _BODILESS:
            del headers[:2]
        own = {name for name, _ in answer.headers}
        if own & _REPLACED:
            headers = [*headers[: -len(self._headers)], *(one for one in self._headers if one[0] not in own)]
        await send(cast("Message", {"type": "http.response.start", "status": answer.status, "headers": headers}))
        if answer.stream is not None and not bare:
            async for part in answer.stream:
                await send(cast("Message", {"type": "http.response.body", "body": part, "more_body": True}))
        await send(cast("Message", {"type": "http.response.body", "body": b"" if bare else body}))

    def note(self, scope: HTTPScope, route: str, status: int, began: float, call: Call | None) -> None:
        """Figures for every request, a line in the log for those that are worth one."""
        seconds = time.perf_counter() - began
        self._figures(scope["method"], route, status, seconds)
        if status < 400 and seconds < _SLOW and call is not None and call.operation.quiet:
            return
        principal = None if call is None else call.principal
        access.info(
            "request",
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            status=status,
            ms=round(seconds * 1000, 2),
            actor=principal.actor if principal else "",
            address=call.address if call else "",
            **_SELDOM if status == 503 else {},
        )


def _require(principal: Principal, scope: Scope) -> None:
    if not SCOPES[scope] <= principal.permissions:
        raise NotPermitted(scope=scope.value)


async def _run(call: Call, body: bytes) -> Answer[Any]:
    """The handler's answer, or the one that was given before. What two writers spoilt for each other is tried again."""
    operation = call.operation
    for attempt in range(_ATTEMPTS):
        try:
            answer = await operation.run(call, body)
        except _Replay as replay:
            answer = stored(replay.status, replay.body, replayed=True)
            return _with_names(operation, call.path, answer)
        except Contended:
            if attempt == _ATTEMPTS - 1 or operation.streams:
                raise
        except (psycopg.errors.NumericValueOutOfRange, OverflowError) as problem:
            raise OutOfRange from problem
        else:
            assert call.kept or call.key is None, f"{operation.name} does not keep its answer"
            named = _with_names(operation, call.path, answer)
            return _unless_known(call, named) if operation.method == "GET" else named
    raise AssertionError


def _with_names(operation: Operation, path: str, answer: Answer[T]) -> Answer[T]:
    """With Location for what was made, and ETag for what has a version."""
    if not operation.names_itself or answer.status >= 300:
        return answer
    own = _own.decode(answer.body)
    names: list[tuple[bytes, bytes]] = []
    name = own.code if operation.by_code else own.id
    if answer.status == 201 and name:
        names.append((b"location", f"{path}/{name}".encode()))
    if own.version is not None:
        # What is shown may hold more than its version tells of, so that the tag of a whole answer says both.
        shown = f"-{zlib.crc32(answer.body):08x}" if operation.method == "GET" else ""
        names.append((b"etag", f'"{own.version}{shown}"'.encode()))
    return Answer(answer.status, answer.body, answer.content_type, (*answer.headers, *names))


def _unless_known(call: Call, answer: Answer[T]) -> Answer[T]:
    """Without its body, for who has it already."""
    given = call.headers.get(b"if-none-match")
    tag = next((value for name, value in answer.headers if name == b"etag"), None)
    if given is None or tag is None:
        return answer
    known = {one.strip().removeprefix(b"W/") for one in given.split(b",")}
    return Answer(304, b"", answer.content_type, answer.headers) if known & {tag, b"*"} else answer


def stored(status: int, body: bytes, *, replayed: bool) -> Answer[Any]:
    """An answer that is kept; for the second time, the same byte for byte."""
    kind = b"application/json" if status < 400 else CONTENT_TYPE
    return Answer(status, body, kind, ((b"idempotency-replayed", b"true"),) if replayed else ())


def failure(problem: Exception, request_id: str) -> Answer[Any]:
    told = tell(problem, request_id)
    return Answer(told.status, told.body, CONTENT_TYPE, told.headers)


def _missing(operations: Mapping[str, Operation]) -> NoReturn:
    """An address without this method, or no address."""
    if not operations:
        raise UnknownRoute
    raise MethodNotAllowed(allow=", ".join(sorted([*operations, *(["HEAD"] if "GET" in operations else [])])))
