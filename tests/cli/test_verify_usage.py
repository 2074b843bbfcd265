"""What is wrong with the command itself ends with exit code 2 and says what to write."""

from __future__ import annotations

import pytest

WRONG = {
    "nothing says where the token is": [],
    "two places at once": ["-", "--file", "token"],
    "the token on the command line": ["eyJhbGciOi.eyJzdWIi.c2ln"],
    "a file that is not there": ["--file", "nowhere"],
    "a Secret without a key": ["--secret", "shop/payments"],
    "a provider that is not there": ["-", "--provider", "nowhere.yaml"],
    "a time that is none": ["-", "--at", "tomorrow"],
    "a form that is none": ["-", "-o", "xml"],
    "a token's name without a check": ["-", "--token", "payments"],
    "keys that are not there": ["-", "--jwks", "nowhere.json"],
    "an option that is none": ["-", "--sudo"],
}


@pytest.mark.parametrize("args", list(WRONG.values()), ids=list(WRONG))
def test_usage_ends_with_2_and_no_traceback(place, args):
    ran = place.run("verify", *args)
    assert ran.code == 2, ran
    assert ran.out == ""
    assert "Error" in ran.err
    assert "Traceback" not in ran.err


def test_a_check_that_contradicts_itself_is_named_with_its_field(place, check):
    check["spec"]["tokens"][0]["expiry"] = {"warnBefore": "soon"}
    ran = place.run("verify", "-", "--check", place.file("c.yaml", [check]))
    assert ran.code == 2
    assert "spec.tokens[0].expiry.warnBefore" in ran.err


def test_a_check_names_a_provider_that_was_not_given(place, check):
    ran = place.run("verify", "-", "--check", place.file("c.yaml", [check]))
    assert ran.code == 2
    assert "--provider FILE" in ran.err


def test_a_token_that_the_check_lacks_lists_those_it_has(place, check, provider):
    files = [
        "--check",
        place.file("c.yaml", [check]),
        "--provider",
        place.file("p.yaml", [provider]),
    ]
    ran = place.run("verify", "-", *files, "--token", "nobody")
    assert ran.code == 2
    assert "payments, billing" in ran.err


def test_a_provider_with_a_fault_is_named_with_its_field(place, provider):
    del provider["spec"]["allowedNamespaces"]
    ran = place.run("verify", "-", "--provider", place.file("p.yaml", [provider]))
    assert ran.code == 2
    assert "spec.allowedNamespaces.selector" in ran.err


def test_broken_yaml_is_told_by_its_line_alone(place):
    path = place.file("p.yaml", "kind: TokenProvider\nmetadata: {name: canary\n")
    ran = place.run("verify", "-", "--provider", path)
    assert ran.code == 2
    assert "is not YAML (line" in ran.err
    assert "canary" not in ran.err


def test_no_cluster_is_needed_for_a_file_and_said_for_a_secret(place, issuer):
    token = place.file("token", issuer.token())
    assert place.run("verify", "--file", token).code == 0
    ran = place.run("verify", "--secret", "shop/payments#token")
    assert ran.code == 2
    assert "--kubeconfig" in ran.err
