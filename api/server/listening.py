"""Listening sockets: for one process, or for several that share a port."""

from __future__ import annotations

import errno
import socket
import sys

from relearn.schemas.errors import SettingsError, SetupError

#: Whether the kernel balances connections over the sockets of one port. Elsewhere the last socket gets all.
BALANCES = sys.platform == "linux"
_NO_SUCH_ADDRESS = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of `host`, for one process.

    Raises:
        SettingsError: unknown host.
        SetupError: the port is taken, or the process lacks permission.
    """
    return _all_bound(host, port, shared=False)


def reserve(host: str, port: int) -> list[socket.socket]:
    """Sockets for several processes, each of which gets its own from `share`. Keep these open until the end.

    Raises:
        SettingsError, SetupError: as `listen`, so that two servers never share a port by accident.
    """
    exclusive = listen(host, port)
    if not BALANCES:
        return exclusive
    for one in exclusive:
        one.close()
    return _all_bound(host, port, shared=True)


def share(reserved: list[socket.socket]) -> list[socket.socket]:
    """Sockets for one more process: new ones where the kernel balances connections, else duplicates."""
    if not BALANCES:
        return [one.dup() for one in reserved]
    return [_bound(one.family, one.getsockname(), shared=True) for one in reserved]


def _all_bound(host: str, port: int, *, shared: bool) -> list[socket.socket]:
    """`localhost` means both address families; one of them may be missing on this machine."""
    found: list[socket.socket] = []
    missing: OSError | None = None
    for family, address in _addresses(host, port):
        try:
            found.append(_bound(family, address, shared=shared))
        except OSError as exc:
            missing = exc
    if missing is not None and not found:
        raise SetupError(f"can't listen on {host} port {port}: {missing.strerror}") from missing
    return found


def _addresses(host: str, port: int) -> list[tuple[int, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as exc:
        raise SettingsError(f"RELEARN_API_HOST={host}: {exc}") from exc
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(family: int, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    """Raises OSError if this machine has no such address."""
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(address)
    except OSError as exc:
        one.close()
        if exc.errno in _NO_SUCH_ADDRESS:
            raise
        where = f"{address[0]} port {address[1]}"
        if exc.errno == errno.EADDRINUSE:
            raise SetupError(f"{where} is taken; choose another with --port or RELEARN_API_PORT") from exc
        raise SetupError(f"can't listen on {where}: {exc.strerror}") from exc
    return one
