"""The chart's other policies: who writes TokenProviders, ClusterTokenChecks, statuses and stamps.

Those on providers and ClusterTokenChecks are the same everywhere: the chart installs copies of
them, as of the requester policy. The other two name the operator, so the chart has them as
templates; a test holds both equal. Every field that the API server would add is written out.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokencheck.api import API_VERSION
from tokencheck.core.rights.bypass_policy import bypass_policy
from tokencheck.core.rights.manifests import SPEC_CHANGED, Manifest, binding_of, policy_of
from tokencheck.core.rights.needs import OURS
from tokencheck.model.admission import Guard

_WHO, _GROUPS = f"{OURS}/requester", f"{OURS}/requester-groups"
_MAKER = re.compile(r"username != '(system:serviceaccount:[^']+)'")
_WRITERS = re.compile(r"request\.userInfo\.username in (\[.*\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the policies name of an installation.

    Args:
        operators: the operators' users; empty when none is known, and then any will do.
        stamps: whether the API server has to write on TokenChecks who asked.
    """

    operators: frozenset[str]
    stamps: bool


def provider_policy() -> Manifest:
    """Return the policy on who writes TokenProviders."""
    return _of_admins(Guard.PROVIDER, "tokenproviders", "a TokenProvider says who is shown tokens")


def cluster_policy() -> Manifest:
    """Return the policy on who writes ClusterTokenChecks."""
    says = "a ClusterTokenCheck has the tokens of all namespaces checked"
    return _of_admins(Guard.CLUSTER, "clustertokenchecks", says)


def status_policy(writers: Sequence[str]) -> Manifest:
    """Return the policy on who writes statuses: the first of these users is the operator."""
    operator = writers[0]
    validation = _forbidden(
        f"request.userInfo.username in {_json(writers)}",
        f"only the operator ({operator}) writes the status of a TokenCheck,"
        " ClusterTokenCheck or TokenProvider: whoever writes it forges a verdict",
    )
    return policy_of(Guard.STATUS, ["*/status"], {"validations": [validation]})


def stamp_policy(*, stamps: bool, maker: str | None = None) -> Manifest:
    """Return the policy that lets nobody write another's name.

    Args:
        stamps: whether the API server writes names; where it does not, nobody writes any.
        maker: the operator that copies the name of a ClusterTokenCheck's author, if one does.
    """
    seen = f"'{_WHO}' in variables.old"
    rules = (
        f"{_in_new(_WHO)} == variables.user",
        f"(!('{_WHO}' in variables.new) || ({seen}{' || variables.asks' if stamps else ''}))",
        f"{_in_new(_GROUPS)} == variables.groups",
    )
    forged = f"{_WHO}: the API server writes who asked; leave {_WHO} and {_GROUPS} out"
    validations = [_forbidden(" && ".join(rules), forged)]
    if stamps:
        validations.append(_forbidden(_SEEN_OR_NAMED, _UNSEEN))
    new = "has(object.metadata.annotations) ? object.metadata.annotations : {}"
    spec = {
        "variables": [_named("new", new), *_stamp_variables(stamps)],
        "validations": validations,
    }
    spec |= {"matchConditions": [_not_made_by(maker)]} if maker else {}
    return policy_of(Guard.STAMP, _STAMPED, spec)


def stamping_policy(maker: str | None = None) -> Manifest:
    """Return the policy that has the API server write who asked."""
    had = f"has(oldObject.metadata.annotations) && '{_WHO}' in oldObject.metadata.annotations"
    add = 'JSONPatch{op: "add", path: "/metadata/annotations'
    user = add + '/tokencheck.dev~1requester", value: variables.user}'
    groups = add + '/tokencheck.dev~1requester-groups", value: variables.groups}'
    empty = add + '", value: {}}'
    patch = f"(has(object.metadata.annotations) ? [] : [{empty}]) + [{user}, {groups}]"
    conditions = [_named("has-somebody", f"{SPEC_CHANGED} || ({had})")]
    spec = {
        "matchConditions": conditions + ([_not_made_by(maker)] if maker else []),
        "variables": [*_stamp_variables(True)],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        "reinvocationPolicy": "IfNeeded",
    }
    return policy_of(Guard.STAMP, _STAMPED, spec) | {"kind": "MutatingAdmissionPolicy"}


def guard_binding(guard: Guard) -> Manifest:
    """Return the binding that enforces a policy everywhere."""
    return binding_of(guard)


def is_shipped_guard(guard: Guard, installed: Mapping[str, Any], known: Installation) -> bool:
    """Return whether an installed ValidatingAdmissionPolicy asks for all that ours asks for."""
    match guard:
        case Guard.PROVIDER:
            return _same(installed, provider_policy())
        case Guard.CLUSTER:
            return _same(installed, cluster_policy())
        case Guard.BYPASS:
            return _same(installed, bypass_policy())
        case Guard.STATUS:
            return _is_status_policy(installed, known.operators)
        case Guard.STAMP:  # pragma: no branch - mypy proves it the last
            made = (None, *_makers(installed, known.operators))
            return any(
                _same(installed, stamp_policy(stamps=known.stamps, maker=one)) for one in made
            )


def is_shipped_stamping(installed: Mapping[str, Any], known: Installation) -> bool:
    """Return whether an installed MutatingAdmissionPolicy writes who asked, as ours does."""
    made = (None, *_makers(installed, known.operators))
    return any(_same(installed, stamping_policy(one)) for one in made)


def is_bound_everywhere(installed: Mapping[str, Any], guard: Guard) -> bool:
    """Return whether a binding leaves out nothing, for no dry run would show what it leaves out.

    It may warn or audit beside; one of a MutatingAdmissionPolicy has no actions.
    """
    spec = dict(installed.get("spec") or {})
    return "Deny" in spec.pop("validationActions", ("Deny",)) and spec == {"policyName": guard}


_STAMPED = ["tokenchecks", "clustertokenchecks"]
# His rights are asked for now, by the policies on specs, or later, by his name.
_SEEN_OR_NAMED = "!variables.asks || variables.changed || variables.named"
_UNSEEN = (
    "metadata.ownerReferences: you came with more than name and groups, so your rights cannot be"
    " asked for later; change the spec in the same request, and they are asked for now"
)


def _of_admins(guard: Guard, plural: str, says: str) -> Manifest:
    validation = _forbidden(
        "authorizer.group('').resource('secrets').check('get').allowed()",
        f"{says}, so its author must be allowed to get the Secrets of all namespaces;"
        " a cluster admin applies it",
    )
    conditions = [_named("spec-changed", SPEC_CHANGED)]
    spec = {"matchConditions": conditions, "validations": [validation]}
    return policy_of(guard, [plural], spec)


def _stamp_variables(stamps: bool) -> Iterator[Manifest]:
    had = "oldObject != null && has(oldObject.metadata.annotations)"
    yield _named("old", f"{had} ? oldObject.metadata.annotations : {{}}")
    old_user, old_groups = _in_old(_WHO), _in_old(_GROUPS)
    if stamps:
        # As the operator has it, to which a reference of another kind or version says nothing.
        is_one = f"o.apiVersion == '{API_VERSION}' && o.kind == 'ClusterTokenCheck'"
        is_one += " && has(o.controller) && o.controller"
        makers = f"filter(o, {is_one}).map(o, o.uid) : []"
        owners = "metadata.ownerReferences"
        yield _named("makers", f"has(object.{owners}) ? object.{owners}.{makers}")
        before = f"oldObject != null && has(oldObject.{owners}) ? oldObject.{owners}.{makers}"
        yield _named("makersBefore", before)
        yield _named("changed", SPEC_CHANGED)
        # Of a spec that nobody looked at it is not known who asks, whoever's it becomes.
        hands = f"'{_WHO}' in variables.old && variables.makers != variables.makersBefore"
        yield _named("asks", f"variables.changed || ({hands})")
        extra = "request.userInfo.extra"
        plain = f"{extra}.all(k, k.startsWith('authentication.kubernetes.io/'))"
        yield _named("named", f"!has({extra}) || {plain}")
        user, groups = "request.userInfo.username", "request.userInfo.groups"
        user = f"(variables.named ? {user} : '')"
        groups = f"(variables.named && has({groups}) ? {groups}.join('\\n') : '')"
        old_user = f"variables.asks ? {user} : ({old_user})"
        old_groups = f"variables.asks ? {groups} : ({old_groups})"
    yield _named("user", old_user)
    yield _named("groups", old_groups)


def _in_old(name: str) -> str:
    return f"'{name}' in variables.old ? variables.old['{name}'] : ''"


def _in_new(name: str) -> str:
    return f"('{name}' in variables.new ? variables.new['{name}'] : '')"


def _not_made_by(maker: str) -> Manifest:
    expression = f"request.userInfo.username != '{maker}'"
    other = "request.resource.resource != 'tokenchecks'"
    return _named("not-made-by-the-operator", f"{other} || {expression}")


def _makers(installed: Mapping[str, Any], operators: Collection[str]) -> tuple[str, ...]:
    """Return who may be the operator that makes TokenChecks: one of these, or whom it names."""
    if operators:
        return tuple(operators)
    # Of the spec alone: kubectl keeps in an annotation what it applied once.
    conditions = (installed.get("spec") or {}).get("matchConditions") or ()
    told = " ".join(str(one.get("expression")) for one in conditions)
    return tuple(_MAKER.findall(told)[:1])


def _is_status_policy(installed: Mapping[str, Any], operators: Collection[str]) -> bool:
    """Return whether it lets those alone write whom it names, the operator first."""
    for rule in (installed.get("spec") or {}).get("validations") or ():
        if writers := _writers_in(str(rule.get("expression"))):
            expected = status_policy(writers)
            # Helm writes some characters in another way.
            expected["spec"]["validations"][0]["expression"] = rule["expression"]
            known = not operators or writers[0] in operators
            return known and _same(installed, expected)
    return False


def _writers_in(expression: str) -> Sequence[str]:
    """Return whom our expression names; empty when it is another, whatever an admin wrote there."""
    if not (found := _WRITERS.fullmatch(expression)):
        return ()
    try:
        writers = json.loads(found.group(1))
    except ValueError:  # CEL has lists that JSON does not have: ['ann']
        return ()
    return writers if all(isinstance(one, str) for one in writers) else ()


def _same(installed: Mapping[str, Any], ours: Manifest) -> bool:
    return bool(installed.get("spec") == ours["spec"])


def _forbidden(expression: str, message: str) -> Manifest:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _named(name: str, expression: str) -> Manifest:
    return {"name": name, "expression": expression}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
