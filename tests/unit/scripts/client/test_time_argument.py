"""Times as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from relearn.schemas.errors import Refused
from relearn.scripts.client.time_argument import moment_of

NOW = datetime(2026, 9, 21, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-09-21T10:00:00", datetime(2026, 9, 21, 10, tzinfo=UTC)),
        ("2026-09-21 10:00", datetime(2026, 9, 21, 10, tzinfo=UTC)),
        ("2026-09-21", datetime(2026, 9, 21, tzinfo=UTC)),
        ("2026-09-21T10:00:00Z", datetime(2026, 9, 21, 10, tzinfo=UTC)),
        ("2026-09-21T10:00:00.25+02:00", datetime(2026, 9, 21, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("10m", NOW - timedelta(minutes=10)),
        ("1.5h", NOW - timedelta(minutes=90)),
        (" 2d ", NOW - timedelta(days=2)),
        ("30s", NOW - timedelta(seconds=30)),
        ("0s", NOW),
    ],
)
def test_a_time_or_an_age_is_a_time_in_utc(text: str, at: datetime) -> None:
    assert moment_of(text, NOW) == at
    assert moment_of(text, NOW).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10", "m", "-3m", "10 weeks", "2026-13-01", "9" * 30 + "d", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(Refused, match="a time looks like"):
        moment_of(text, NOW)
