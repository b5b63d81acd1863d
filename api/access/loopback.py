"""Access while there are no API keys: local programs, and pages that this server itself has sent. Pure.

Any page open in a local browser can send requests to loopback. It can't forge its `Origin`; if its own host name is
made to resolve to loopback (DNS rebinding), `Host` has that name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from functools import lru_cache

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::\d{1,5})?")


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost` or an IP address of loopback."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def names_loopback(host: str) -> bool:
    """Whether a `Host` header, with or without a port, names loopback."""
    found = _HOST.fullmatch(host)
    return found is not None and is_loopback(found["name"].strip("[]"))


def is_foreign(headers: Mapping[str, str], origins: Collection[str]) -> bool:
    """Whether a browser sent the request for a page of another origin that isn't among `origins`.

    Browsers send `Origin` with requests that may change something, and `Sec-Fetch-Site` with all others; other programs
    need neither. Following a link to a page of this server (navigation) is allowed.
    """
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() not in {*origins, *(f"{scheme}://{headers['Host']}".lower() for scheme in _SCHEMES)}
    return headers.get("Sec-Fetch-Site", "none") not in _OWN and headers.get("Sec-Fetch-Mode") != "navigate"


_SCHEMES = ("http", "https")
_OWN = frozenset(("none", "same-origin"))
