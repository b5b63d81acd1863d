"""The web page's files, read and packed once at start: what isn't among them then is never served.

Its libraries are installed by `make setup`, not committed; without them the API works all the same, and the page says
what to run.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

DIRECTORY = Path(__file__).with_name("web")
START = "index.html"
LIBRARIES = (
    "node_modules/htm/preact/standalone.module.js",
    "node_modules/uplot/dist/uPlot.esm.js",
    "node_modules/uplot/dist/uPlot.min.css",
)
_MEDIA = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its bytes as they are and as gzip, and a tag that changes with them."""

    media: str
    plain: bytes
    packed: bytes
    tag: str


#: By their path below the directory, with `/` everywhere.
PageFiles = Mapping[str, PageFile]
PAGE: web.AppKey[PageFiles] = web.AppKey("page", PageFiles)


def read_page(directory: Path = DIRECTORY) -> PageFiles:
    """All files of the page below `directory`, and of its libraries those that it loads, where they are installed."""
    own = (path.relative_to(directory) for path in sorted(directory.rglob("*")) if path.suffix in _MEDIA)
    names = [path.as_posix() for path in own if path.parts[0] != "node_modules"]
    installed = [name for name in LIBRARIES if (directory / name).is_file()]
    return {name: _read(directory / name) for name in [*names, *installed]}


def missing(files: PageFiles) -> list[str]:
    """What the page can't do without and isn't there."""
    return [name for name in (START, *LIBRARIES) if name not in files]


def _read(path: Path) -> PageFile:
    plain = path.read_bytes()
    tag = hashlib.sha256(plain).hexdigest()[:32]
    return PageFile(_MEDIA[path.suffix], plain, gzip.compress(plain, 9, mtime=0), tag)
