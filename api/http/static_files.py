"""The web page's files, read and compressed once at start; later files are never served.

Comment lines are removed; the other lines keep their numbers.

The page's libraries are installed by `make setup`, not committed. Without them the API works, and the page shows what
to run.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

DIRECTORY = Path(__file__).parents[1] / "web"
START = "index.html"
LIBRARIES = (
    "node_modules/htm/preact/standalone.module.js",
    "node_modules/uplot/dist/uPlot.iife.min.js",
    "node_modules/uplot/dist/uPlot.min.css",
)
_COMMENT = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)[ \t]*$", re.MULTILINE)
_MEDIA = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: plain and gzip bytes, and an entity tag."""

    media: str
    plain: bytes
    packed: bytes
    tag: str


#: By path below the directory, with `/` as separator.
PageFiles = Mapping[str, PageFile]
PAGE: web.AppKey[PageFiles] = web.AppKey("page", PageFiles)


def read_page(directory: Path = DIRECTORY) -> PageFiles:
    """All files of the page below `directory`, and the libraries that it loads, as far as they are installed."""
    paths = (path.relative_to(directory) for path in sorted(directory.rglob("*")) if path.suffix in _MEDIA)
    own = [path.as_posix() for path in paths if path.parts[0] != "node_modules"]
    found = {name: _file(name, without_comments((directory / name).read_bytes())) for name in own}
    installed = [name for name in LIBRARIES if (directory / name).is_file()]
    return found | {name: _file(name, (directory / name).read_bytes()) for name in installed}


def missing(files: PageFiles) -> list[str]:
    """Required files that are missing."""
    return [name for name in (START, *LIBRARIES) if name not in files]


def without_comments(source: bytes) -> bytes:
    """The source with comment lines emptied, which saves a fifth of the size.

    No template of the page has a line that begins like a comment.
    """
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source.decode()).encode()


def _file(name: str, plain: bytes) -> PageFile:
    tag = hashlib.sha256(plain).hexdigest()[:32]
    return PageFile(_MEDIA[Path(name).suffix], plain, gzip.compress(plain, 9, mtime=0), tag)
