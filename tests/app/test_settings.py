"""Command line and environment of the operator become its settings, or say what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.app.settings import Settings, parse_listen, parse_names, parse_secrets
from tokencheck.model.errors import UsageError
from tokencheck.model.scope import Scope

LISTEN = {
    "127.0.0.1:8080": ("127.0.0.1", 8080),
    "0.0.0.0:80": ("0.0.0.0", 80),  # noqa: S104 - what a user writes
    ":8080": ("0.0.0.0", 8080),  # noqa: S104 - every address
    "[::1]:8080": ("::1", 8080),
    "localhost:0": ("localhost", 0),
    "host:65535": ("host", 65_535),
}


@pytest.mark.parametrize("text", LISTEN)
def test_an_address_is_host_and_port(text: str) -> None:
    assert parse_listen(text) == LISTEN[text]


NO_ADDRESSES = ["", "8080", "host", "host:", "host:-1", "host:65536", "a:b", "h:1.0"]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT, such as"):
        parse_listen(text)


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        host, port = parse_listen(text)
    except UsageError:
        return
    assert host
    assert 0 <= port <= 65_535


def test_names_are_separated_by_commas_and_blanks_do_not_matter() -> None:
    assert parse_names("shop, billing ,,ops") == ("shop", "billing", "ops")
    assert parse_names("") == parse_names(" , ") == ()


WATCHES = {
    "all Secrets": (Settings(), True),
    "those of its namespace": (
        Settings(scope=Scope.NAMESPACES, namespaces=("shop", "tokencheck-system")),
        True,
    ),
    "those of others": (Settings(scope=Scope.NAMESPACES, namespaces=("shop",)), False),
    "this one by name": (
        Settings(scope=Scope.NAMED, secrets=(("tokencheck-system", "client"),)),
        True,
    ),
    "others by name": (
        Settings(scope=Scope.NAMED, secrets=(("shop", "client"), ("tokencheck-system", "other"))),
        False,
    ),
}


@pytest.mark.parametrize(("settings", "may"), WATCHES.values(), ids=WATCHES)
def test_credentials_are_watched_only_within_the_scope(settings: Settings, may: bool) -> None:
    """A watch that is refused would be told as a right that is missing."""
    assert settings.watches("client") is may


def test_secrets_are_pairs_of_namespace_and_name() -> None:
    assert parse_secrets("shop/a, shop/b") == (("shop", "a"), ("shop", "b"))
    assert parse_secrets("") == ()


@pytest.mark.parametrize("text", ["a", "a/", "/b", "shop/a,b"])
def test_a_secret_without_namespace_or_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="NAMESPACE/NAME"):
        parse_secrets(text)


def test_the_defaults_read_the_whole_cluster_and_listen_on_this_machine_alone() -> None:
    settings = Settings()
    assert settings.scope is Scope.CLUSTER
    assert settings.listen_host == "127.0.0.1"
    assert settings.kubeconfig is None


def run_operator(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("tokencheck")
    return subprocess.run(
        [str(program), "operator", *args],
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("args", "env", "words"),
    [
        (("--listen", "nowhere"), {}, "HOST:PORT"),
        ((), {"TOKENCHECK_LISTEN": "nowhere"}, "HOST:PORT"),
        (("--secrets", "x"), {}, "NAMESPACE/NAME"),
        (("--secrets-scope", "all"), {}, "'cluster', 'namespaces', 'named'"),
        ((), {"TOKENCHECK_WORKERS": "many"}, "--workers"),
        (("--log-level", "LOUD"), {}, "DEBUG"),
    ],
)
def test_a_wrong_option_ends_with_code_2_and_says_what_it_takes(
    args: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    done = run_operator(*args, **env)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_credentials_the_operator_says_where_it_looked(tmp_path: Path) -> None:
    missing = tmp_path / "kubeconfig"
    done = run_operator("--kubeconfig", str(missing))
    assert done.returncode == 2
    assert str(missing) in done.stderr
    assert "Traceback" not in done.stderr
