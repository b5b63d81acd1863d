"""`relearn bench decode` decodes each form without a reject, and compares it with a JSON list."""

from __future__ import annotations

from click.testing import CliRunner

from relearn.scripts.dev.bench import decode


def test_every_form_is_decoded() -> None:
    done = CliRunner().invoke(decode.decode, ["--rounds", "1"], catch_exceptions=False)
    assert done.exit_code == 0
    for form in ("JSON list", "MessagePack list", "JSON, mapped", "Avro, mapped, nullable", "Debezium in Avro"):
        assert form in done.output
