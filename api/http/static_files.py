"""The web page's files, read at start and compressed once per process; later files are never served.

Comment lines, types and indentation are removed; lines keep their numbers.

The page's libraries are installed by `make setup`, not committed. Without them the API works, and the page shows what
to run.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
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
_TYPE = re.compile(r"/\*\* @type [^*\n]*\*/ ?")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
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
    found = {name: _own_file(name, (directory / name).read_bytes()) for name in _own(directory)}
    installed = [name for name in LIBRARIES if (directory / name).is_file()]
    return found | {name: _file(name, (directory / name).read_bytes()) for name in installed}


def _own(directory: Path) -> list[str]:
    """The names of the page's own files. Thousands of others are in `node_modules`, which isn't entered."""
    found = []
    for parent, directories, names in os.walk(directory):
        if "node_modules" in directories:
            directories.remove("node_modules")
        below = Path(parent).relative_to(directory)
        found += [(below / name).as_posix() for name in names if Path(name).suffix in _MEDIA]
    return sorted(found)


def missing(files: PageFiles) -> list[str]:
    """Required files that are missing."""
    return [name for name in (START, *LIBRARIES) if name not in files]


def shortened(source: bytes) -> bytes:
    """The source with comment lines emptied, which saves a fifth of the size, without types and indentation: 3 %.

    No template of the page has a line that begins like a comment, or blanks at the start of a line that mean something.
    """
    lines = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source.decode())
    return _INDENT.sub("", _TYPE.sub("", lines)).encode()


@cache
def _own_file(name: str, source: bytes) -> PageFile:
    return _file(name, shortened(source))


@cache
def _file(name: str, plain: bytes) -> PageFile:
    tag = hashlib.sha256(plain).hexdigest()[:32]
    return PageFile(_MEDIA[Path(name).suffix], plain, gzip.compress(plain, 9, mtime=0), tag)
