"""What the operator needs, and the commands that give it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.rights.commands import commands_for
from tokencheck.core.rights.needs import operator_needs
from tokencheck.model.rights import Right
from tokencheck.model.scope import Scope

CHART = Path(__file__).parents[2] / "cluster" / "chart" / "rights.yaml"
NAMED = {"shop": ("payments-api", "payments-readonly"), "billing": ("oidc",)}
RIGHTS = st.builds(
    Right,
    verb=st.sampled_from(["get", "list", "watch", "patch"]),
    group=st.sampled_from(["", "apps", "tokencheck.dev"]),
    resource=st.sampled_from(["secrets", "deployments", "tokenchecks/status"]),
    namespace=st.sampled_from(["", "shop", "billing"]),
    name=st.sampled_from(["", "payments-api", "a.b:c"]),
)
USERS = ["system:serviceaccount:ops:tokencheck", "ann", "oidc:ann's@example.com", "$(reboot)"]


def granted(commands: tuple[str, ...]) -> set[Right]:
    """What the roles among these commands allow, as kubectl would read them."""
    rights = set()
    for command in commands:
        _, _, kind, _, *options = shlex.split(command)
        if not kind.endswith("role"):
            continue
        said = dict(o.split("=", 1) for o in options if "=" in o)
        place = options[options.index("-n") + 1] if "-n" in options else ""
        for verb in said["--verb"].split(","):
            for resource in said["--resource"].split(","):
                plural, _, rest = resource.partition(".")
                group, _, sub = rest.partition("/")
                if "/" in plural:
                    plural, _, sub = plural.partition("/")
                rights.add(
                    Right(
                        verb=verb,
                        group=group,
                        resource=f"{plural}/{sub}" if sub else plural,
                        namespace=place,
                        name=said.get("--resource-name", ""),
                    )
                )
    return rights


@given(st.sets(RIGHTS, max_size=8), st.sampled_from(USERS))
def test_the_commands_grant_these_rights_and_no_other(rights: set[Right], user: str) -> None:
    commands = commands_for(rights, user)
    assert granted(commands) == rights
    names = [tuple(shlex.split(c)[2 : 6 if " -n " in c else 4]) for c in commands]
    assert len(names) == len(set(names)), "a second role of the same name would be refused"
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["kubectl", "create"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", words[3])
    bindings = [shlex.split(c) for c in commands if "rolebinding" in c.split()[2]]
    assert len(bindings) * 2 == len(commands)
    subject = f"--user={user}"
    if user.startswith("system:serviceaccount:"):
        subject = "--serviceaccount=ops:tokencheck"
    assert all(binding[-1] == subject for binding in bindings)


@pytest.mark.parametrize(
    ("scope", "where"),
    [
        (Scope.CLUSTER, {("", ())}),
        (Scope.NAMESPACES, {("shop", ()), ("billing", ())}),
        (Scope.NAMED, {("shop", ("a", "b"))}),
    ],
)
def test_secrets_are_needed_as_far_as_the_scope_says(scope: Scope, where: set) -> None:
    needs = operator_needs(scope, ("shop", "billing"), {"shop": ("a", "b")})
    assert {(n.namespace, n.names) for n in needs if n.resource == "secrets"} == where
    assert all(n.why and n.verbs for n in needs)


@pytest.mark.parametrize("scope", list(Scope))
def test_its_own_credentials_are_needed_by_name_and_get_alone(scope: Scope) -> None:
    """With scope cluster they can be read anyhow."""
    needs = operator_needs(scope, ("shop",), NAMED, home="ops", credentials=("client",))
    own = [n for n in needs if n.resource == "secrets" and n.namespace == "ops"]
    assert [(n.verbs, n.names) for n in own] == [(("get",), ("client",))] * (scope != "cluster")


def test_token_reviews_are_needed_where_a_provider_asks_the_api_server_and_nowhere_else() -> None:
    bare, more = (set(operator_needs(Scope.CLUSTER, token_reviews=asks)) for asks in (False, True))
    assert bare < more
    rights = {(right.verb, right.kind) for need in more - bare for right in need.rights}
    assert rights == {("create", "tokenreviews.authentication.k8s.io")}


def test_who_acts_on_cluster_token_checks_needs_to_write_token_checks() -> None:
    """The same as the chart gives it: tests/cluster/test_chart_rights.py."""
    bare, more = (set(operator_needs(Scope.CLUSTER, cluster_checks=on)) for on in (False, True))
    assert bare < more
    assert {(",".join(need.verbs), need.resource) for need in more - bare} == {
        ("get,list,watch", "clustertokenchecks"),
        ("patch", "clustertokenchecks/status"),
        ("create,patch,delete", "tokenchecks"),
    }


@pytest.mark.parametrize("scope", list(Scope))
def test_the_operator_needs_what_the_chart_grants_it_and_no_more(scope: Scope) -> None:
    """A right that the chart gains has to be needed for something: say for what in `needs.py`."""
    granted = {r for r in yaml.safe_load(CHART.read_text())[scope] if "argoproj" not in r}
    needed = set()
    for need in operator_needs(scope, ("shop", "billing"), NAMED, leases=("tokencheck",)):
        names = f" {sorted(need.names)}" if need.names else ""
        where, verbs = need.namespace or "everywhere", ",".join(sorted(need.verbs))
        needed.add(f"{where}: {verbs} {need.group or 'core'}/{need.resource}{names}")
    assert needed == granted
