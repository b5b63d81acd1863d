"""Who may ask while there are no keys: this machine's own programs, and pages that this server itself has sent.

A page of anybody's, open in a browser here, can send requests to loopback. What it can't do is lie about its origin, or
name this server by an address: if its own name is made to lead here (DNS rebinding), that name stands in `Host`. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from functools import lru_cache

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::\d{1,5})?")


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Whether this address is this machine's alone: `localhost`, or an IP address of loopback, not another name."""
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
    """Whether a browser says that a page of another origin asks, and not one of `origins`.

    Browsers send `Origin` with whatever may change something, and `Sec-Fetch-Site` with everything else; no other
    program needs either. Somebody who follows a link to a page here is no page.
    """
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() not in {*origins, *(f"{scheme}://{headers['Host']}".lower() for scheme in _SCHEMES)}
    return headers.get("Sec-Fetch-Site", "none") not in _OWN and headers.get("Sec-Fetch-Mode") != "navigate"


_SCHEMES = ("http", "https")
_OWN = frozenset(("none", "same-origin"))
