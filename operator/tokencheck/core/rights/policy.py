"""The requester policy: who may ask for what, decided by the API server itself.

The chart installs it from a copy (`charts/tokencheck/files/policies`, written by `make docs`), with
which what is installed can be compared: every field that the API server would add is written out,
so that both are equal to the letter.

An expression may ask for two rights at most and a request for 27 (each costs 350,000 of 1,000,000
and 10,000,000; it asks for 26): so each token has expressions of its own, and rights on a whole
namespace are variables, which are asked for once.
Source: apiserver/pkg/cel/library/cost.go and apiserver/pkg/apis/cel/config.go.
"""

from collections.abc import Iterator, Mapping

from tokencheck.core.rights.manifests import SPEC_CHANGED, Manifest, binding_of, policy_of
from tokencheck.core.rights.needs import OURS
from tokencheck.model.admission import REQUESTER_POLICY

PROBE_LABEL = f"{OURS}/enforcement-probe"
PROBE_REFUSAL = (
    "this TokenCheck only proves that the policy is enforced in this namespace; it is never stored"
)
MAX_TOKENS = 8
_PROBES = f"has(object.metadata.labels) && '{PROBE_LABEL}' in object.metadata.labels"
# What a shell takes as one word; any other user is for the admin to write.
_WHO = (
    "request.userInfo.username.matches('^[A-Za-z0-9@:._-]+$') ? request.userInfo.username : 'NAME'"
)


def requester_policy() -> Manifest:
    """Return the ValidatingAdmissionPolicy on what TokenChecks name."""
    spec = {
        # The garbage collector and who writes an annotation ask for nothing new.
        "matchConditions": [
            {"name": "asks-for-something", "expression": f"{SPEC_CHANGED} || ({_PROBES})"}
        ],
        "variables": [
            {"name": name, "expression": expression} for name, expression in _variables()
        ],
        "validations": [*_validations()],
    }
    return policy_of(REQUESTER_POLICY, ["tokenchecks"], spec)


def requester_binding() -> Manifest:
    """Return the binding that enforces it in every namespace."""
    return binding_of(REQUESTER_POLICY)


def probe(name: str, namespace: str) -> Manifest:
    """Return a TokenCheck that the policy refuses, whoever sends it."""
    return {
        "apiVersion": f"{OURS}/v1alpha1",
        "kind": "TokenCheck",
        "metadata": {"name": name, "namespace": namespace, "labels": {PROBE_LABEL: "true"}},
        "spec": {"workloadRef": {"kind": "Deployment", "name": name}},
    }


def _variables() -> Iterator[tuple[str, str]]:
    yield "tokens", "has(object.spec) && has(object.spec.tokens) ? object.spec.tokens : []"
    yield "mayCreatePods", _allowed("", "pods", "create", ".namespace(request.namespace)")
    yield "mayGetSecrets", _allowed("", "secrets", "get", ".namespace(request.namespace)")
    yield "who", _WHO
    yield (
        "grant",
        "'; an admin allows it with: tokencheck rbac author -n ' + request.namespace"
        " + ' --user ' + variables.who",
    )


def _validations() -> Iterator[Mapping[str, str]]:
    yield _forbidden(f"!({_PROBES})", f"'{PROBE_REFUSAL}'")
    yield _forbidden(
        "!has(object.spec) || !has(object.spec.workloadRef)"
        " || (has(object.spec.discover) && object.spec.discover == 'None')"
        " || variables.mayCreatePods || variables.mayGetSecrets",
        _needs_all("spec.workloadRef: to have the tokens of a workload found"),
    )
    yield _forbidden(
        "!variables.tokens.exists(t, has(t.serviceAccountToken))"
        " || variables.mayCreatePods || variables.mayGetSecrets",
        _needs_all("spec.tokens: to have a serviceAccountToken checked"),
    )
    for index in range(MAX_TOKENS):
        yield from _of_token(index)


def _needs_all(what: str) -> str:
    """Return the refusal of what shows any Secret of the namespace."""
    return (
        f"'{what} you need to create Pods or to get Secrets in namespace ' + request.namespace"
        " + variables.grant + ' --all-secrets | kubectl apply -f -'"
    )


def _readable(resource: str, ref: str) -> str:
    """Return whether the requester may read what `ref` names: who creates Pods can mount it."""
    named = f".namespace(request.namespace).name({ref}.name)"
    return f"variables.mayCreatePods || {_allowed('', resource, 'get', named)}"


def _needs_one(where: str, kind: str, ref: str, option: str) -> str:
    """Return the refusal of what is named there; whether that exists has no part in it."""
    return (
        f"'{where}: you need to get the {kind} ' + {ref}.name"
        " + ', or to create Pods, in namespace ' + request.namespace"
        f" + variables.grant + ' {option} ' + {ref}.name + ' | kubectl apply -f -'"
    )


def _of_token(index: int) -> Iterator[Mapping[str, str]]:
    token = f"variables.tokens[{index}]"
    absent = f"size(variables.tokens) <= {index}"
    where = f"spec.tokens[{index}]"
    secret, provider = f"{token}.secretKeyRef", f"{token}.providerRef"
    keys = f"{token}.keys"
    config_map = f"{keys}.configMapKeyRef"
    yield _forbidden(
        f"{absent} || !has({secret}) || {_readable('secrets', secret)}",
        _needs_one(f"{where}.secretKeyRef", "Secret", secret, "--secret"),
    )
    yield _forbidden(
        f"{absent} || !has({keys}) || !has({config_map}) || {_readable('configmaps', config_map)}",
        _needs_one(f"{where}.keys.configMapKeyRef", "ConfigMap", config_map, "--configmap"),
    )
    yield _forbidden(
        f"{absent} || !has({provider})"
        f" || {_allowed(OURS, 'tokenproviders', 'use', f'.name({provider}.name)')}",
        f"'{where}.providerRef: you need the right to use the TokenProvider ' + {provider}.name"
        f" + variables.grant + ' --provider ' + {provider}.name + ' | kubectl apply -f -'",
    )


def _allowed(group: str, resource: str, verb: str, where: str) -> str:
    asked = f"authorizer.group('{group}').resource('{resource}'){where}"
    return f"{asked}.check('{verb}').allowed()"


def _forbidden(expression: str, message: str) -> Mapping[str, str]:
    """Return a validation; its refusal is a 403 and tells no more than the request itself does."""
    return {"expression": expression, "messageExpression": message, "reason": "Forbidden"}
