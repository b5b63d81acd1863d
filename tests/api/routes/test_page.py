"""The web page as files: what is served, how, and nothing else."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from pathlib import Path

import pytest
from yarl import URL

from relearn.api.http.static_files import DIRECTORY, LIBRARIES, PAGE, START, PageFile, read_page, shortened
from tests.support.api.client import Client
from tests.support.paths import ROOT

ALL_MOST_BYTES = 150_000
_PRELOADED = re.compile(r'<link rel="modulepreload" href="/web/([^"]+)">')
_LINKED = re.compile(r'(?:src|href)="([^"]+)"')


def files_of(client: Client) -> dict[str, PageFile]:
    """The files that this server has read at its start."""
    assert client.http.app is not None
    return dict(client.http.app[PAGE])


def start() -> str:
    return (DIRECTORY / START).read_text()


async def test_the_page_is_served_at_the_root_under_a_strict_policy(client: Client) -> None:
    async with client.http.get("/") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert response.headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert await response.read() == shortened(start().encode())


async def test_whatever_the_page_names_is_there_and_of_the_right_type(client: Client) -> None:
    media = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    named = [path for path in _LINKED.findall(start()) if path != "/docs"]
    assert all(path.startswith("/web/") for path in named)
    for path in named:
        async with client.http.get(path) as response:
            assert response.status == 200, path
            assert response.content_type == media[Path(path).suffix]


def test_every_module_is_loaded_ahead_and_every_style_is_linked() -> None:
    """The list in index.html is that of the tree; scripts that aren't modules have lines of their own."""
    files = set(read_page()) - {"early_theme.js", "app.js", "node_modules/uplot/dist/uPlot.iife.min.js"}
    assert sorted(_PRELOADED.findall(start())) == sorted(name for name in files if name.endswith(".js"))
    styles = {f"/web/{name}" for name in files if name.endswith(".css")}
    assert styles <= set(_LINKED.findall(start()))


def test_nothing_stands_inline() -> None:
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", start())


async def test_who_has_a_file_is_told_that_it_still_is_the_same(client: Client) -> None:
    async with client.http.get("/web/app.js") as response:
        tag = response.headers["ETag"]
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Content-Encoding"] == "gzip"
    for known in (tag, f'"other", {tag}', "*"):
        async with client.http.get("/web/app.js", headers={"If-None-Match": known}) as response:
            assert (response.status, await response.read()) == (304, b"")
            assert response.headers["ETag"] == tag
    async with client.http.get("/web/app.js", headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


async def test_a_file_is_packed_for_whoever_takes_that_alone(client: Client) -> None:
    """The tag of the compressed file differs, so that a cache doesn't mix them up."""
    file = files_of(client)["app.js"]
    assert gzip.decompress(file.packed) == file.plain
    tags = set()
    asked = {"gzip, br": "gzip", "identity": None, "gzip;q=0": None, "br;q=1.0, gzip;q=0.5": "gzip"}
    for given, encoding in asked.items():
        async with client.http.get("/web/app.js", headers={"Accept-Encoding": given}) as response:
            assert response.headers.get("Content-Encoding") == encoding, given
            assert await response.read() == file.plain
            tags.add(response.headers["ETag"])
    assert len(tags) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/web/nothing.js", 404),
        ("/web/package.json", 404),
        ("/web/node_modules/axe-core/axe.js", 404),
        ("/web/../page.py", 404),
        ("/web/..%2fpage.py", 400),
        ("/web/%2e%2e/%2e%2e/pyproject.toml", 400),
        ("/web/styles/../../page.py", 404),
        ("/web/styles%2f..%2f..%2fpage.py", 404),
        ("/web/app.js%00", 400),
        ("/web/", 404),
    ],
)
async def test_no_other_file_is_given(client: Client, path: str, status: int) -> None:
    async with client.http.get(URL(path, encoded=True)) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"


def test_comments_on_lines_of_their_own_types_and_indentation_are_not_sent_and_lines_keep_their_numbers() -> None:
    source = (
        b'/** What\n * it is. */\na(); // b\n  // c\nd("/*"); /* e */\n\t/* f */\n  url("//g", /** @type {h} */ (i));\n'
    )
    assert shortened(source) == b'\n\na(); // b\n\nd("/*"); /* e */\n\nurl("//g", (i));\n'


def test_no_template_of_the_page_has_a_line_that_begins_like_a_comment() -> None:
    """Each file's backticks stand before its comments in pairs: a comment begins in no template."""
    for name in read_page():
        if name.endswith(".js") and not name.startswith("node_modules"):
            source = (DIRECTORY / name).read_text()
            for comment in re.finditer(r"^[ \t]*(/\*|//)", source, re.MULTILINE):
                before = shortened(source[: comment.start()].encode())
                assert before.count(b"`") % 2 == 0, (name, comment.start())


async def test_the_whole_page_weighs_little(client: Client) -> None:
    """All files of a first visit, as sent."""
    assert sum(len(file.packed) for file in files_of(client).values()) < ALL_MOST_BYTES


async def test_without_its_libraries_the_page_says_what_to_run_and_the_rest_works(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.http.app is not None
    for name in LIBRARIES:
        monkeypatch.delitem(client.http.app[PAGE], name)
    async with client.http.get("/") as response:
        assert response.status == 503
        assert "make setup" in await response.text()
    await client.json("GET", "/livez")


def test_an_installed_package_has_all_files_of_the_page() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["relearn.api"]
    packed = {path.relative_to(DIRECTORY).as_posix() for one in patterns for path in DIRECTORY.parent.glob(one)}
    assert packed == set(read_page())


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((DIRECTORY / "package-lock.json").read_text())["packages"]
    named = [{name: one[name] for name in one.keys() - {"funding"}} for one in packages.values()]
    assert "://" not in json.dumps(named)
