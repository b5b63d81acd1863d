"""Settings come from one mapping, and all problems are reported together."""

from __future__ import annotations

import pytest

from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import Settings, as_environment, read_settings


def test_without_any_setting_the_embedded_servers_are_meant() -> None:
    settings = read_settings({})
    assert settings.kafka_brokers == ("127.0.0.1:19092",)
    assert settings.namespace == "relearn"


def test_every_wrong_value_is_named_in_one_message() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(
            {
                "RELEARN_NAMESPACE": "No Spaces",
                "RELEARN_KAFKA_BROKERS": "nowhere",
                "RELEARN_DLQ_MAX_SHARE": "2",
                "RELEARN_PARTITIONS": "many",
            }
        )
    said = str(caught.value).splitlines()
    assert len(said) == 4
    assert {line.split("=")[0] for line in said} == {
        "RELEARN_NAMESPACE",
        "RELEARN_KAFKA_BROKERS",
        "RELEARN_DLQ_MAX_SHARE",
        "RELEARN_PARTITIONS",
    }


def test_an_address_with_a_password_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"RELEARN_POSTGRES_DSN": "mysql://me:hunter2@host/db"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("sign", ["#", "/", "?", "@", ":#", "[", "]", "12#", "12/", "1@2/", "\u2100"])
@pytest.mark.parametrize(
    ("name", "scheme"), [("POSTGRES_DSN", "postgresql"), ("POSTGRES_OWNER_DSN", "postgres"), ("REDIS_URL", "redis")]
)
def test_a_password_with_a_sign_that_is_not_encoded_is_refused_and_not_repeated(
    name: str, scheme: str, sign: str
) -> None:
    with pytest.raises(SettingsError, match=f"RELEARN_{name}.*%23") as caught:
        read_settings({f"RELEARN_{name}": f"{scheme}://me:hunter{sign}secret@host:5432/db"})
    assert "hunter" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("port", ["port", "65536", "-1", "99999999999", "²"])
def test_a_port_that_is_no_number_is_refused(port: str) -> None:
    with pytest.raises(SettingsError, match="RELEARN_REDIS_URL"):
        read_settings({"RELEARN_REDIS_URL": f"redis://host:{port}/0"})


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:p%40ss%23@one:5432,two,[::1]:5433/db?target_session_attrs=read-write",
        "postgres:///db?host=/var/run/postgresql&user=me@example",
        "postgresql://me@host",
    ],
)
def test_addresses_that_drivers_read_are_taken(dsn: str) -> None:
    assert read_settings({"RELEARN_POSTGRES_DSN": dsn}).postgres_dsn == dsn


def test_an_address_of_another_server_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"RELEARN_POSTGRES_DSN": "redis://host/0", "RELEARN_REDIS_URL": "postgresql://host/db"})
    assert len(str(caught.value).splitlines()) == 2


def test_sasl_needs_a_name_and_a_password() -> None:
    with pytest.raises(SettingsError, match="RELEARN_KAFKA_SASL_PASSWORD"):
        read_settings({"RELEARN_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "RELEARN_KAFKA_SASL_USERNAME": "me"})


def test_settings_print_without_their_secrets() -> None:
    settings = Settings(kafka_sasl_password="hunter2", postgres_dsn="postgresql://me:hunter2@host/db")
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("origin", ["*", "null", "page.example", "https://page.example/", "https://a b", "ftp://a"])
def test_an_origin_that_no_page_can_have_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match="RELEARN_API_CORS_ORIGINS"):
        read_settings({"RELEARN_API_CORS_ORIGINS": f"https://page.example,{origin}"})


def test_an_empty_value_is_as_good_as_none() -> None:
    assert read_settings({"RELEARN_PARTITIONS": ""}).partitions == Settings().partitions


def test_a_child_gets_its_parents_settings() -> None:
    given = {"RELEARN_NAMESPACE": "other", "RELEARN_KAFKA_BROKERS": "a:1,b:2", "RELEARN_API_RATE": "off"}
    settings = read_settings(given)
    assert read_settings(as_environment(settings)) == settings
    assert as_environment(read_settings({})) == {}


def test_results_in_avro_need_a_registry() -> None:
    with pytest.raises(SettingsError, match="RELEARN_SCHEMA_REGISTRY_URL is needed for RELEARN_RESULTS=avro"):
        read_settings({"RELEARN_RESULTS": "avro"})
    url = "http://127.0.0.1:8081"
    assert read_settings({"RELEARN_RESULTS": "avro", "RELEARN_SCHEMA_REGISTRY_URL": url}).results == "avro"
    with pytest.raises(SettingsError, match="RELEARN_RESULTS=xml"):
        read_settings({"RELEARN_RESULTS": "xml"})
