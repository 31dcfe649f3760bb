"""Calling out: the one HTTP client, guarded.

- It refuses while a transaction is open: locks and connections are not held while the world makes up its mind.
- It refuses addresses inside (private, loopback, link-local, metadata services), unless told otherwise: most addresses that it
  calls were typed in by somebody. A name is resolved once per connection and the connection goes to the address that was
  checked, so that a name that answers differently the second time (DNS rebinding) gains nothing. Proxies of the environment
  are not used, since they would resolve by themselves.
- Everything has a limit: connecting, the whole exchange, the size of the answer after decompression, redirects (none by
  default).
- A failure is a `Fault` that says who can put it right. Neither its text nor the log holds headers, bodies or query strings.
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeVar, cast
from urllib.parse import urljoin

import httpcore2
import httpx2
import msgspec
import stamina
import structlog

from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.time import aware, utcnow
from comptoir.runtime.database import inside_transaction

T = TypeVar("T")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

log = structlog.get_logger("comptoir.http")

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
MAX_REDIRECTS = 5
MAX_RETRY_AFTER = 86_400.0
"""Nobody may ask us to come back later than in a day."""
_PATIENCE = 10.0
"""A retry that would wait longer is left to a job."""
_CHUNK = 65_536
_BLOCKED = tuple(
    map(
        ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20")
    )
)
"""What `ipaddress` takes for public, in some versions at least: Azure's metadata service, Oracle's, relays, documentation."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unreachable(Fault):
    """No answer: the name is not known, nothing listens, the connection broke, it took too long.

    `sent` says whether anything of the request may have arrived there: without it, nothing was asked for.
    """

    code = "unreachable"

    def __init__(self, detail: str, *, host: str, sent: bool = False) -> None:
        super().__init__(detail, remedy=Remedy.WAIT, host=host, sent=sent)
        self.sent = sent


class BlockedAddress(Fault):
    """The address lies inside, or is none that may be called."""

    code = "blocked_address"


class BadAnswer(Fault):
    """An answer that cannot be used: too large, not HTTP, not the JSON that it should be."""

    code = "bad_answer"


class Declined(Fault):
    """The other side answered with an error status, which is in `data["status"]`."""

    code = "declined"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    headers: httpx2.Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Raises `BadAnswer` when it is none."""
        return cast("Any", self.decoded(object))

    def decoded(self, kind: type[T]) -> T:
        """The body as a value of that type; raises `BadAnswer`."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise BadAnswer(f"the answer is not what it should be: {problem}", remedy=Remedy.NOBODY) from problem

    @property
    def retry_after(self) -> float | None:
        """Seconds, from either form of the header."""
        return parse_retry_after(self.headers.get("retry-after"))


def parse_retry_after(value: str | None) -> float | None:
    """Seconds from now, between 0 and a day; None when it says nothing."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER)
    try:
        at = aware(email.utils.parsedate_to_datetime(text))
    except (ValueError, TypeError):
        return None
    return min(max((at - utcnow()).total_seconds(), 0.0), MAX_RETRY_AFTER)


def is_public(address: str) -> bool:
    """Whether an IP address lies outside, also when it is an IPv4 address in the clothes of an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None:
            return is_public(str(ip.sixtofour))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)))
        if ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in network for network in _BLOCKED)


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked_addresses(host: str, port: int, *, allow_private: bool, resolve: Resolve = _resolve) -> Sequence[str]:
    """Where a name leads. Raises `Unreachable` for an unknown one, `BlockedAddress` when any of its addresses lies inside."""
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError) as problem:
        raise Unreachable(f"the name {host} is not known", host=host) from problem
    if not addresses:
        raise Unreachable(f"the name {host} has no address", host=host)
    if not allow_private and not all(map(is_public, addresses)):
        raise BlockedAddress(f"{host} leads to an address that may not be called", remedy=Remedy.MERCHANT, host=host)
    return addresses


class _GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were checked, never to names."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._network = cast("type[httpcore2.AsyncNetworkBackend]", httpcore2.AnyIOBackend)()
        self._resolve = resolve
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - its signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await checked_addresses(host, port, allow_private=self._allow_private, resolve=self._resolve)
        problem: Exception | None = None
        for address in addresses[:4]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as one:
                problem = one
        assert problem is not None
        raise problem

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, network: _GuardedNetwork, tls: ssl.SSLContext, limits: httpx2.Limits) -> None:
        super().__init__(verify=tls, trust_env=False, limits=limits)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=network,
        )


@dataclass(slots=True)
class _Sending:
    """Whether a request has begun to leave: what fails before that was not asked for."""

    begun: bool = False

    async def told(self, event: str, info: Mapping[str, Any]) -> None:
        """As httpcore tells it, in its `trace` extension."""
        del info
        self.begun = self.begun or event.endswith(".send_request_headers.started")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How to read a body: up to `limit` bytes, unpacked or as they come; what is over it is refused, or cut off."""

    limit: int
    compressed: bool
    cut: bool

    async def body(self, response: httpx2.Response) -> bytes:
        parts: list[bytes] = []
        room = self.limit
        async for part in response.aiter_bytes(_CHUNK) if self.compressed else response.aiter_raw(_CHUNK):
            if len(part) > room:
                if not self.cut:
                    raise BadAnswer(f"an answer over the limit of {self.limit} bytes", remedy=Remedy.NOBODY)
                parts.append(part[:room])
                break
            room -= len(part)
            parts.append(part)
        return b"".join(parts)


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts; reading that takes longer than all else that a client needs."""
    return ssl.create_default_context()


class HttpClient:
    """Keeps connections open; one per process. Close it at the end."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout: float = 20.0,
        connect_timeout: float = 5.0,
        max_bytes: int = 20_000_000,
        max_connections: int = 100,
        user_agent: str = "Comptoir",
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = _resolve,
    ) -> None:
        """`timeout` bounds a whole exchange. `allow_private` is the setting COMPTOIR_ALLOW_PRIVATE_HOSTS."""
        self._timeout = timeout
        self._max_bytes = max_bytes
        limits = httpx2.Limits(max_connections=max_connections, max_keepalive_connections=20, keepalive_expiry=30)
        network = _GuardedNetwork(resolve, allow_private=allow_private)
        self._client = httpx2.AsyncClient(
            transport=_GuardedTransport(network, tls or _trusted(), limits),
            timeout=httpx2.Timeout(timeout, connect=connect_timeout),
            headers={"user-agent": user_agent},
            trust_env=False,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        attempts: int = 3,
        idempotent: bool | None = None,
        **options: Any,
    ) -> Response:
        """A successful answer (2xx). Raises `Declined` for any other, and what `exchange` raises.

        Tried up to `attempts` times when the method is idempotent, or when `idempotent` says that this request is (it carries
        an idempotency key, say). `options` are those of `exchange`.
        """
        if idempotent is None:
            idempotent = method.upper() in IDEMPOTENT
        tries = attempts if idempotent else 1
        async for attempt in stamina.retry_context(
            on=_worth_a_retry, attempts=tries, timeout=60.0, wait_initial=0.2, wait_max=5.0, wait_jitter=0.2
        ):
            with attempt:
                response = await self.exchange(method, url, **options)
                if not 200 <= response.status < 300:
                    raise declined(method, url, response)
                return response
        raise AssertionError("stamina gives an answer or raises")

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the limit of the whole exchange
        max_bytes: int | None = None,
        redirects: bool = False,
        compressed: bool = True,
        cut: bool = False,
    ) -> Response:
        """One answer, whatever its status, tried once. Raises `Unreachable`, `BlockedAddress` or `BadAnswer`.

        `redirects` are followed for GET and HEAD, without the caller's headers once they leave the origin. `compressed=False`
        asks for plain bytes and takes what comes as it is: for strangers, whose small answer could unpack to a large one. `cut`
        keeps the beginning of an answer that is over `max_bytes`, rather than refuse it.
        """
        if inside_transaction():
            raise AssertionError("a call out while a transaction is open: commit first, then call")
        if content is None and json is not None:
            content = msgspec.json.encode(json)
            headers = {"content-type": "application/json"} | dict(headers or {})
        request = self._client.build_request(
            method.upper(),
            _checked(url),
            params=params,
            headers={"accept-encoding": "gzip" if compressed else "identity"}
            | {k.lower(): v for k, v in (headers or {}).items()},
            content=content,
            data=form,
        )
        where, host = f"{request.method} {request.url.host}{request.url.path}", request.url.host
        sending = _Sending()
        request.extensions["trace"] = sending.told
        limit = max_bytes or self._max_bytes
        try:
            async with asyncio.timeout(timeout or self._timeout):
                return await self._send(request, auth, _Reading(limit, compressed=compressed, cut=cut), redirects=redirects)
        except (TimeoutError, httpx2.TimeoutException) as problem:
            raise Unreachable(f"{where}: no answer in time", host=host, sent=sending.begun) from problem
        except httpx2.DecodingError as problem:
            raise BadAnswer(f"{where}: the answer cannot be unpacked", remedy=Remedy.NOBODY) from problem
        except httpx2.NetworkError as problem:
            raise Unreachable(f"{where}: {_short(problem)}", host=host, sent=sending.begun) from problem
        except httpx2.RemoteProtocolError as problem:
            raise Unreachable(f"{where}: the connection broke", host=host, sent=sending.begun) from problem
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise BadAnswer(f"{where}: {type(problem).__name__}", remedy=Remedy.NOBODY) from problem

    async def _send(
        self, request: httpx2.Request, auth: tuple[str, str] | None, reading: _Reading, *, redirects: bool
    ) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._client.send(request, stream=True, auth=auth)
            try:
                target = response.headers.get("location") if response.has_redirect_location else None
                if not redirects or target is None or request.method not in {"GET", "HEAD"}:
                    return Response(response.status_code, response.headers, await reading.body(response))
            finally:
                await response.aclose()
            onward = httpx2.URL(_checked(urljoin(str(request.url), target)))
            if request.url.scheme == "https" and onward.scheme != "https":
                raise BadAnswer(f"{request.url.host} redirects from https to http", remedy=Remedy.NOBODY)
            stays = (onward.scheme, onward.host, onward.port) == (request.url.scheme, request.url.host, request.url.port)
            auth = auth if stays else None
            kept = dict(request.headers) if stays else {"accept-encoding": request.headers["accept-encoding"]}
            kept.pop("host", None)
            request = self._client.build_request(request.method, onward, headers=kept)
        raise BadAnswer(f"{request.url.host}: more than {MAX_REDIRECTS} redirects", remedy=Remedy.NOBODY)


def _checked(url: str) -> str:
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as problem:
        raise BlockedAddress("not an address that can be called", remedy=Remedy.MERCHANT) from problem
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise BlockedAddress("only http and https addresses without a password in them are called", remedy=Remedy.MERCHANT)
    return url


def _short(problem: Exception) -> str:
    return str(problem)[:200] or type(problem).__name__


def declined(method: str, url: str, response: Response) -> Declined:
    """The fault that an error status amounts to."""
    status = response.status
    target = httpx2.URL(url)
    if status >= 500 or status in {408, 425, 429}:
        remedy = Remedy.WAIT
    elif status in {401, 402, 403}:
        remedy = Remedy.MERCHANT
    else:
        remedy = Remedy.NOBODY
    return Declined(
        f"{method.upper()} {target.host}{target.path} answered {status}",
        remedy=remedy,
        retry_after=response.retry_after if remedy is Remedy.WAIT else None,
        status=status,
        body=response.text[:2000],
    )


def _worth_a_retry(problem: Exception) -> bool | float:
    """Whether another try may help soon, and after how many seconds when the other side said so."""
    if not isinstance(problem, Fault) or problem.remedy is not Remedy.WAIT:
        return False
    if problem.retry_after is None:
        return True
    return problem.retry_after if problem.retry_after <= _PATIENCE else False
