"""Access while there are no API keys."""

from __future__ import annotations

import pytest

from relearn.api.access.loopback import is_foreign, is_loopback, names_loopback

HOST = {"Host": "localhost:8080"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "example.org", "localhost.example.org", "", "127.1", "1"]
)
def test_anything_else_may_be_reached_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:8080", "[::1]", "[::1]:8080"])
def test_a_host_header_may_name_loopback(host: str) -> None:
    assert names_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost@evil.example", "::1", "[::1"]
)
def test_a_name_that_was_made_to_lead_here_is_told_by_its_host_header(host: str) -> None:
    assert not names_loopback(host)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost:8080"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "https://page.example"},
    ],
)
def test_programs_our_own_page_named_pages_and_people_are_not_foreign(headers: dict[str, str]) -> None:
    assert not is_foreign({**HOST, **headers}, ["https://page.example"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_any_other_page_is_foreign(headers: dict[str, str]) -> None:
    assert is_foreign({**HOST, **headers}, ["https://page.example"])
