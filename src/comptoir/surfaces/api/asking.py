"""Reading a request: its body, its query and its headers, with everything that is wrong with them told in one way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from litestar.types import HTTPReceiveMessage, Receive

from comptoir.surfaces.api.problems import (
    BadRequest,
    BodyTooLarge,
    InvalidRequest,
    MalformedJson,
    NotJson,
    RequestTimeout,
    pointer,
)

T = TypeVar("T")
Headers = Mapping[bytes, bytes]

BODY_WITHIN = 20.0
"""Seconds for a body to come in, or for each part of a file."""
_MAX_QUERY = 8192
_AT = re.compile(r" - at `(.+)`$")


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge and RequestTimeout."""
    stated = headers.get(b"content-length")
    if stated is not None and (not stated.isdigit() or int(stated) > limit):
        raise BodyTooLarge(limit=limit)
    message = cast("HTTPReceiveMessage", await receive())
    body = _part(message)
    if not message.get("more_body"):
        if len(body) > limit:
            raise BodyTooLarge(limit=limit)
        return body
    try:
        async with asyncio.timeout(BODY_WITHIN):
            return await _rest(receive, [body], limit - len(body))
    except TimeoutError as problem:
        raise RequestTimeout(seconds=BODY_WITHIN) from problem


async def _rest(receive: Receive, parts: list[bytes], room: int) -> bytes:
    while True:
        message = cast("HTTPReceiveMessage", await receive())
        part = _part(message)
        room -= len(part)
        if room < 0:
            raise BodyTooLarge(limit=sum(map(len, parts)) + len(part) + room)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def read_parts(receive: Receive, headers: Headers, limit: int) -> AsyncGenerator[bytes]:
    """A body that is too large to be held at once. Raises BodyTooLarge and RequestTimeout."""
    stated = headers.get(b"content-length")
    if stated is not None and (not stated.isdigit() or int(stated) > limit):
        raise BodyTooLarge(limit=limit)
    room, more = limit, True
    while more:
        try:
            message = cast("HTTPReceiveMessage", await asyncio.wait_for(receive(), BODY_WITHIN))
        except TimeoutError as problem:
            raise RequestTimeout(seconds=BODY_WITHIN) from problem
        part = _part(message)
        room -= len(part)
        if room < 0:
            raise BodyTooLarge(limit=limit)
        more = bool(message.get("more_body"))
        yield part


def _part(message: HTTPReceiveMessage) -> bytes:
    if cast("str", message["type"]) == "http.disconnect":
        raise BadRequest("whoever asked has hung up")
    return message.get("body", b"")


class BodyReader(Generic[T]):
    """Makes a value of one type from JSON."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def __call__(self, body: bytes, headers: Headers) -> T:
        """Raises NotJson, MalformedJson and InvalidRequest."""
        if not _is_json(headers.get(b"content-type", b"")):
            raise NotJson
        try:
            value = self._decoder.decode(body)
        except msgspec.ValidationError as problem:
            raise invalid_request(problem) from problem
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise MalformedJson(_reason(problem)) from problem
        if b"\\u0000" in body:
            _refuse_nul(value)
        return value


def _is_json(content_type: bytes) -> bool:
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def _reason(problem: Exception) -> str:
    if isinstance(problem, UnicodeDecodeError):
        return "it is not in UTF-8"
    return "it is nested too deeply" if isinstance(problem, RecursionError) else str(problem)


def invalid_request(problem: msgspec.ValidationError) -> InvalidRequest:
    """What msgspec did not like, as a message and a place."""
    text = str(problem)
    found = _AT.search(text)
    path = pointer(found.group(1)) if found else ""
    message = text[: found.start()] if found else text
    return InvalidRequest(f"{path} {message}".strip(), errors=[{"path": path, "message": message}])


def wrong(path: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{path} {message}", errors=[{"path": path, "message": message}])


def _refuse_nul(value: object) -> None:
    """PostgreSQL knows no text with NUL in it, and nobody means one."""
    path = _nul(msgspec.to_builtins(value), "")
    if path is not None:
        raise wrong(path, "holds a NUL character")


def _nul(value: object, path: str) -> str | None:
    if isinstance(value, str):
        return path if "\0" in value else None
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value)
        found = (path if "\0" in name else _nul(item, f"{path}/{name}") for name, item in pairs.items())
    elif isinstance(value, (list, tuple)):
        found = (_nul(item, f"{path}/{n}") for n, item in enumerate(cast("Sequence[object]", value)))
    else:
        return None
    return next((one for one in found if one is not None), None)


# Query parameters: text that means a number, a truth or itself, as the field of that name says.


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise ValueError("is a whole number")
    return int(text)


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("is true or false")
    return text == "true"


def _itself(text: str) -> str:
    return text


_FROM_TEXT: Final[Mapping[Any, Callable[[str], object]]] = {int: _whole, bool: _truth}


@dataclass(frozen=True, slots=True)
class _Parameter:
    parse: Callable[[str], object]
    many: bool


def _parameter(annotation: Any) -> _Parameter:
    """Of `Annotated[int, …] | None` it is the int that matters."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return _parameter(next(one for one in get_args(annotation) if one is not type(None)))
    if origin is tuple:
        return _Parameter(_parameter(get_args(annotation)[0]).parse, many=True)
    if hasattr(annotation, "__metadata__"):
        return _parameter(annotation.__origin__)
    return _Parameter(_FROM_TEXT.get(annotation, _itself), many=False)


class QueryReader(Generic[T]):
    """Makes a value of one type from the query part of an address. A parameter of a tuple may come several times."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        hints = get_type_hints(kind, include_extras=True)
        self._parameters = {name: _parameter(hints[name]) for name in cast("Any", kind).__struct_fields__}

    def __call__(self, query: bytes) -> T:
        """Raises InvalidRequest, for names that it does not know as well."""
        values: dict[str, Any] = {}
        for name, text in query_pairs(query):
            parameter = self._parameters.get(name)
            if parameter is None:
                raise wrong(name[:64], "is no parameter of this address")
            try:
                value = parameter.parse(text)
            except ValueError as problem:
                raise wrong(name, str(problem)) from problem
            if parameter.many:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise wrong(name, "comes twice")
            else:
                values[name] = value
        try:
            return msgspec.convert(values, self._kind)
        except msgspec.ValidationError as problem:
            raise _of_query(problem) from problem


def _of_query(problem: msgspec.ValidationError) -> InvalidRequest:
    refusal = invalid_request(problem)
    (error,) = cast("list[dict[str, str]]", refusal.data["errors"])
    return wrong(error["path"].lstrip("/").partition("/")[0], error["message"])


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Names and values, decoded. Raises InvalidRequest."""
    if not query:
        return []
    if len(query) > _MAX_QUERY:
        raise wrong("", f"the query has more than {_MAX_QUERY} bytes")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError as problem:
        raise wrong("", "the query is not percent-encoded UTF-8") from problem
    for name, text in pairs:
        if "\0" in text:
            raise wrong(name[:64], "holds a NUL character")
    return pairs
