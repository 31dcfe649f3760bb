"""The address of a Karrio server, which the retailer types in: where its API begins, and whether it may be called."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from comptoir.runtime.http import is_public


class ServerProblem(StrEnum):
    """What is wrong with an address."""

    NO_ADDRESS = "is an address such as https://karrio.example.com"
    CREDENTIALS = "holds no user name or password: the API key has a field of its own"
    OPEN = "begins with https://: the API key would cross the network for everybody to read"
    PRIVATE = (
        "leads into a private network: let Comptoir call there with COMPTOIR_ALLOW_PRIVATE_HOSTS=yes, if Karrio runs beside it"
    )


_NEAR = re.compile(r"localhost|[^.]+|.+\.(localhost|local|lan|internal|home\.arpa)", re.IGNORECASE)
"""Names that only mean something here: of this machine, of a container, of a network of one's own."""


def problem_of(address: str, *, allow_private: bool) -> ServerProblem | None:
    """None for an address that may be called: with TLS, or beside us where private networks may be called at all."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ServerProblem.NO_ADDRESS
    if parts.scheme not in {"https", "http"} or not host or any(char.isspace() for char in address):
        return ServerProblem.NO_ADDRESS
    if parts.query or parts.fragment:
        return ServerProblem.NO_ADDRESS
    if parts.username is not None or parts.password is not None:
        return ServerProblem.CREDENTIALS
    if _is_near(host):
        return None if allow_private else ServerProblem.PRIVATE
    return None if parts.scheme == "https" else ServerProblem.OPEN


def _is_near(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return bool(_NEAR.fullmatch(host))


def root_of(address: str) -> str:
    """Where the API begins, whether or not `/v1` was typed as well."""
    return address.strip().rstrip("/").removesuffix("/v1").rstrip("/")


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are the same server's, so that what is said to the one may be said to the other."""
    return _origin(one) == _origin(other)


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
