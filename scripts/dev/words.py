"""Finds words in docs, docstrings, comments and messages that the project's plain English avoids: part of `make lint`.

The word list is `AVOIDED`; each entry has the words to write instead. Code in backticks and fenced blocks is not read,
nor are quoted single words.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: What to avoid, as a regular expression in which a space is any white space, and what to write instead.
AVOIDED = (
    ("anew", "again, or name the action: restart, rebuild, reload"),
    ("thereof|therein|hereby|whence|thence|hence|henceforth|lest|whilst", "a plain conjunction"),
    ("for ever", "permanently, always, without limit"),
    ("in the midst", "during, in the middle of"),
    ("whoever|whomever|whatever comes", "the component or role: the caller, the client, the process"),
    ("nobody|no one", "the component: no process, no reviewer, no client"),
    ("somebody|someone", "the component or role: another process, a reviewer, a client"),
    ("anybody|anyone|everybody|everyone", "the component or role: any process, all clients"),
    ("what (?:has )?(?:came|comes|come|became|becomes|become) of", "the result, the outcome, the state"),
    ("ask(?:s|ed|ing)? again", "retry, retryable, send again"),
    (r"so (?:many|few) (?!\w+ that|\w+ \w+ that)", "the number by its name, or Maximum/Minimum X in UNIT"),
    ("(?:for|after|in|takes|than) so long", "the duration by its name, or X in seconds"),
    ("for as long as|as long as (?:that|this|it) is so", "while"),
    ("tells|speaks|hears", "returns, reports, states, sends, receives"),
    ("(?:is|are|was|were|be|been) told", "receives, is sent, gets"),
    ("says", "states, reports, returns, logs"),
    ("(?:is|are|was|were|be|been|ever) said", "the noun: review, statement, message; or reported, logged"),
    ("wants", "needs, requests, expects"),
    ("the very (?!first|last)", "the same, exactly, itself"),
    ("he|him|his|himself", "the reviewer, the producer, the operator"),
)
#: Files and folders that are read, below the working directory.
ROOTS = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "Dockerfile",
    "docker-compose.yml",
    "pyproject.toml",
]
ROOTS += [".ci", "docs", "schemas", "agents", "api", "scripts", "tests"]
SUFFIXES = {".py", ".md", ".js", ".css", ".html"}
#: This list and its test.
EXEMPT = {Path("scripts/dev/words.py"), Path("tests/unit/scripts/dev/test_words.py")}

_COMPILED = [
    (re.compile(rf"\b(?:{words})\b".replace(" ", r"\s+"), re.IGNORECASE), instead) for words, instead in AVOIDED
]
_ANY = re.compile("|".join(pattern.pattern for pattern, _ in _COMPILED), re.IGNORECASE)
_CODE = re.compile(r"`[^`\n]+`|(?<!\w)'[^'\s]+'(?!\w)")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"\{[^{}\n]*\}")
_TEXT_TOKENS = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


@dataclass(frozen=True)
class Hit:
    """An avoided word, its line (from 1), and what to write instead."""

    line: int
    word: str
    instead: str


def hits(path: Path, text: str) -> list[Hit]:
    """The avoided words of one file, in the order of its lines."""
    if not _ANY.search(text):
        return []
    found = [
        Hit(line + prose.count("\n", 0, match.start()), " ".join(match[0].split()), instead)
        for line, prose in _passages(path, text)
        for pattern, instead in _COMPILED
        for match in pattern.finditer(prose)
    ]
    return sorted(found, key=lambda hit: hit.line)


def _passages(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Passages of prose, each with the line that it begins on."""
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in _TEXT_TOKENS and " " in token.string:
                yield token.start[0], _FIELD.sub("", _CODE.sub(_blank, token.string))
    elif path.suffix == ".md":
        yield 1, _CODE.sub(_blank, _FENCED.sub(_blank, text))
    elif path.suffix in SUFFIXES:
        yield 1, text
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            yield number, line.partition("#")[2]


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def files(root: Path) -> Iterator[Path]:
    """Files to read, relative to `root`."""
    for name in ROOTS:
        path = root / name
        inside = path.rglob("*") if path.is_dir() else iter([path])
        for file in sorted(inside):
            relative = file.relative_to(root)
            if relative in EXEMPT or "node_modules" in relative.parts or not file.is_file():
                continue
            if file.suffix in SUFFIXES or not path.is_dir() or name == ".ci":
                yield relative


def main(root: Path) -> int:
    """Print each hit as `file:line: word: write …`; exit code 1 if there is one."""
    code = 0
    for path in files(root):
        for hit in hits(path, (root / path).read_text()):
            sys.stdout.write(f"{path}:{hit.line}: {hit.word!r}: write {hit.instead}\n")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
