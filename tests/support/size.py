"""How large the tests are: reduced and seeded by default, at full size under `make long`."""

from __future__ import annotations

import os

FULL = os.environ.get("TEST_SIZE") == "full"
