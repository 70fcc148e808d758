"""Typed readers of the environment: each fails loudly, naming the variable, the value and what is expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import environment
from config.environment import EnvironmentProblem

NAME = "PODIUM_TEST_VALUE"


@pytest.fixture
def value(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)

    def put(raw: str | None) -> None:
        if raw is not None:
            monkeypatch.setenv(NAME, raw)

    return put


@pytest.mark.parametrize("raw", ["1", "true", "TRUE", "yes", "On", " 1 "])
def test_flags_that_are_on(value: Callable[[str], None], raw: str) -> None:
    value(raw)
    assert environment.boolean(NAME, False) is True


@pytest.mark.parametrize("raw", ["0", "false", "No", "OFF"])
def test_flags_that_are_off(value: Callable[[str], None], raw: str) -> None:
    value(raw)
    assert environment.boolean(NAME, True) is False


@pytest.mark.parametrize("raw", [None, ""])
@pytest.mark.parametrize(
    ("reader", "default"),
    [(environment.boolean, True), (environment.integer, 7), (environment.words, ["a"])],
    ids=["flag", "number", "list"],
)
def test_unset_or_empty_is_the_default(
    value: Callable[[str | None], None], reader: Callable[..., Any], default: Any, raw: str | None
) -> None:
    value(raw)
    assert reader(NAME, default) == default


@pytest.mark.parametrize(
    ("reader", "raw", "said"),
    [
        (lambda: environment.boolean(NAME, False), "maybe", "'maybe' is neither true nor false"),
        (lambda: environment.integer(NAME, 1), "ten", "'ten' is not a whole number"),
        (lambda: environment.integer(NAME, 1), "1.5", "'1.5' is not a whole number"),
        (lambda: environment.integer(NAME, 1, minimum=1), "0", "=0 is below 1"),
        (lambda: environment.integer(NAME, 1), "-1", "=-1 is below 0"),
        (lambda: environment.database(NAME), "mysql://h/d", "PostgreSQL only"),
        (lambda: environment.database(NAME), "sqlite:///x", "PostgreSQL only"),
        (lambda: environment.database(NAME), "postgresql://host", "names no database"),
        (lambda: environment.required(NAME, "It is needed."), "", "is not set. It is needed."),
    ],
)
def test_what_cannot_be_used_stops_the_start_and_names_the_variable(
    value: Callable[[str], None], reader: Callable[[], Any], raw: str, said: str
) -> None:
    value(raw)
    with pytest.raises(EnvironmentProblem) as problem:
        reader()

    assert NAME in str(problem.value)
    assert said in str(problem.value)


def test_a_list_is_cut_at_its_commas(value: Callable[[str], None]) -> None:
    value(" a.example , b.example,, ")
    assert environment.words(NAME, []) == ["a.example", "b.example"]


class TestASecret:
    def test_is_the_value(self, value: Callable[[str], None]) -> None:
        value("hush")
        assert environment.secret(NAME) == "hush"

    def test_may_be_in_a_file(
        self, value: Callable[[None], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        value(None)
        file = tmp_path / "key"
        file.write_text("hush\n")
        monkeypatch.setenv(f"{NAME}_FILE", str(file))

        assert environment.secret(NAME) == "hush"
        assert environment.required(NAME, "why") == "hush"

    def test_is_not_in_both_places(self, value: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
        value("hush")
        monkeypatch.setenv(f"{NAME}_FILE", "/nowhere")
        with pytest.raises(EnvironmentProblem, match=f"both {NAME} and {NAME}_FILE"):
            environment.secret(NAME)

    def test_in_a_file_that_is_not_there_stops_the_start(
        self, value: Callable[[None], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        value(None)
        monkeypatch.setenv(f"{NAME}_FILE", "/nowhere/key")
        with pytest.raises(EnvironmentProblem, match="'/nowhere/key', which cannot be read"):
            environment.secret(NAME)


class TestADatabase:
    def test_is_read_from_its_url(self, value: Callable[[str], None]) -> None:
        value("postgresql://ada:p%40ss@db.example:5433/podium")
        assert environment.database(NAME) == {
            "NAME": "podium",
            "USER": "ada",
            "PASSWORD": "p@ss",
            "HOST": "db.example",
            "PORT": 5433,
            "OPTIONS": {},
        }

    def test_may_be_behind_a_socket(self, value: Callable[[str], None]) -> None:
        value("postgres://ada@%2Frun%2Fpostgresql/podium")
        found = environment.database(NAME)

        assert found is not None
        assert (found["HOST"], found["PORT"]) == ("/run/postgresql", "")

    def test_behind_a_socket_keeps_the_case_of_its_folder(self, value: Callable[[str], None]) -> None:
        value("postgresql://ada@%2FUsers%2Fada%2Frun/podium")
        found = environment.database(NAME)

        assert found is not None
        assert found["HOST"] == "/Users/ada/run"

    @pytest.mark.parametrize("query", ["sslmode=require", "sslmode=verify-full&sslrootcert=/ca.pem"])
    def test_keeps_the_options_of_its_url_or_refuses_them(self, value: Callable[[str], None], query: str) -> None:
        """Dropped, `sslmode=require` would connect without encryption."""
        value(f"postgresql://ada@db.example/podium?{query}")
        try:
            found: dict[str, Any] | None = environment.database(NAME)
        except EnvironmentProblem:
            return
        assert found is not None
        assert found["OPTIONS"]["sslmode"] == query.split("&")[0].split("=")[1]

    def test_with_a_port_that_is_no_number_stops_the_start(self, value: Callable[[str], None]) -> None:
        value("postgresql://ada@db.example:main/podium")
        with pytest.raises(EnvironmentProblem, match=NAME):
            environment.database(NAME)

    @pytest.mark.parametrize("query", ["sslmode", "&", "sslmode=require&&"])
    def test_with_options_that_are_none_stops_the_start(self, value: Callable[[str], None], query: str) -> None:
        value(f"postgresql://ada@db.example/podium?{query}")
        with pytest.raises(EnvironmentProblem, match=NAME):
            environment.database(NAME)

    def test_is_none_where_nothing_is_set(self, value: Callable[[None], None]) -> None:
        value(None)
        assert environment.database(NAME) is None


class TestAMailServer:
    @pytest.mark.parametrize(
        ("url", "port", "ssl", "tls"),
        [
            ("smtps://mail.example", 465, True, False),
            ("smtp://mail.example", 587, False, True),
            ("smtp://mail.example:25?starttls=0", 25, False, False),
        ],
    )
    def test_is_encrypted_unless_it_says_otherwise(
        self, value: Callable[[str], None], url: str, port: int, ssl: bool, tls: bool
    ) -> None:
        value(url)
        found = environment.mail(NAME)

        assert found is not None
        assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", port)
        assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (ssl, tls)

    def test_takes_a_user_and_a_password(self, value: Callable[[str], None]) -> None:
        value("smtps://ada%40example.org:p%40ss@mail.example")
        found = environment.mail(NAME)

        assert found is not None
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("ada@example.org", "p@ss")

    @pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example?tls=1"])
    def test_that_is_none_stops_the_start_and_is_not_printed(self, value: Callable[[str], None], url: str) -> None:
        value(url)
        with pytest.raises(EnvironmentProblem, match=f"{NAME} is no mail server: smtps://user:password@host"):
            environment.mail(NAME)

    def test_with_a_port_that_is_no_number_stops_the_start(self, value: Callable[[str], None]) -> None:
        value("smtp://mail.example:post")
        with pytest.raises(EnvironmentProblem, match="port"):
            environment.mail(NAME)

    def test_is_none_where_nothing_is_set(self, value: Callable[[None], None]) -> None:
        value(None)
        assert environment.mail(NAME) is None
