"""The words check finds each avoided word where prose is, and nothing in code or clean text."""

from __future__ import annotations

from pathlib import Path

import pytest

from relearn.scripts.dev.words import AVOIDED, Hit, files, hits, main
from tests.support.paths import ROOT

#: One sentence for each entry of the list, in its order.
FOUND = [
    "The reader begins anew.",
    "A copy thereof.",
    "It waits for ever.",
    "A shift in the midst of the stream.",
    "Whoever calls it waits.",
    "Nobody waits.",
    "Somebody has the lock.",
    "Anybody may read it.",
    "Shows what came of a command.",
    "Ask again later.",
    "So many bytes at most.",
    "A reader that takes nothing for so long is closed.",
    "Runs for as long as the process.",
    "The topic tells which model answers.",
    "The client is told at once.",
    "The header says when.",
    "What was said of a record.",
    "A caller that wants more.",
    "The very same bytes.",
    "The reviewer who errs corrects his label.",
]


@pytest.mark.parametrize(
    ("sentence", "entry"), list(zip(FOUND, AVOIDED, strict=True)), ids=[entry[0] for entry in AVOIDED]
)
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.py", '"""{}"""\n'),
        ("a.py", "x = 1  # {}\n"),
        ("a.md", "# Title\n\n{}\n"),
        ("a.js", "// {}\n"),
        ("Makefile", "# {}\n"),
    ],
)
def test_each_avoided_word_is_found_in_prose(sentence: str, entry: tuple[str, str], name: str, form: str) -> None:
    assert entry[1] in {hit.instead for hit in hits(Path(name), form.format(sentence))}


@pytest.mark.parametrize(
    "sentence",
    [
        "The worker retries until Postgres answers.",
        "Maximum size of a message in bytes.",
        "So many files that the system refuses more.",
        "As long as the other columns.",
        "Forever is a word, and so is eleven.",
        "The first record of the very first batch.",
    ],
)
def test_clean_text_has_no_hits(sentence: str) -> None:
    assert hits(Path("a.py"), f'"""{sentence}"""\n') == []
    assert hits(Path("a.md"), sentence) == []


def test_code_is_not_prose() -> None:
    assert hits(Path("a.py"), 'anew = nobody("nobody")\n"""The account `nobody` has no record \'anew\'."""\n') == []
    assert hits(Path("a.md"), "The account `nobody`.\n\n```\necho anew\n```\n") == []


def test_a_hit_has_its_line_also_across_a_line_break() -> None:
    text = '"""First.\n\nThe process waits for\never.\n"""\n'
    assert hits(Path("a.py"), text) == [Hit(3, "for ever", "permanently, always, without limit")]


def test_the_exit_code_is_1_where_a_word_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/page.md").write_text("Clean.\nAnd anew.\n")
    assert main(tmp_path) == 1
    assert capsys.readouterr().out.startswith("docs/page.md:2: 'anew': write ")
    (tmp_path / "docs/page.md").write_text("Clean.\n")
    assert main(tmp_path) == 0


def test_the_page_its_docs_and_all_packages_are_read() -> None:
    read = {path.parts[0] for path in files(ROOT)}
    assert read >= {"README.md", "docs", "schemas", "agents", "api", "scripts", "tests", "Makefile"}
