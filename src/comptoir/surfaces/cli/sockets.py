"""The sockets that the web processes accept on: bound once, by the parent, so that no restart of a process drops the port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Conflict, Refusal

_BACKLOG = 2048


class PortTaken(Conflict):
    """`data` has the `host` and the `port`."""

    code = "port_taken"
    title = "The port is in use"


def listening(host: str, port: int) -> list[socket.socket]:
    """One socket for each address of the host. Port 0 takes a free one. Raises PortTaken, and Invalid for what is no host."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise invalid("host", f"{host!r} is no address of this machine") from problem
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_bound(family, (str(address[0]), int(chosen)), host))
    except Refusal:
        close(sockets)
        raise
    return sockets


def _bound(family: int, address: tuple[str, int], host: str) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(_BACKLOG)
        one.setblocking(False)
    except OSError as problem:
        one.close()
        raise refusal(problem, host, address[1]) from problem
    return one


def refusal(problem: OSError, host: str, port: int, *, prefix: str = "") -> Refusal:
    """Why there is no listening there. The options that say where may have a prefix: `metrics-` for `--metrics-port`."""
    if problem.errno == errno.EADDRINUSE:
        advice = f"Stop the program that uses it, or choose another with --{prefix}port."
        return PortTaken(f"{host}:{port}", host=host, port=port, advice=advice)
    if problem.errno == errno.EACCES:
        return invalid(f"{prefix}port", f"{port} is only for privileged accounts: choose one from 1024 on")
    return invalid(f"{prefix}host", f"{host}:{port} cannot be listened on ({problem.strerror})")


def close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()
