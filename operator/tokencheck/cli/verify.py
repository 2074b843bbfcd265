"""`tokencheck verify`: one token, judged as the operator judges it, without a cluster."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from tokencheck.cli.document import results_of, without_memory
from tokencheck.cli.exits import exit_of
from tokencheck.cli.expectations import Asked, Expectations, expectations_of
from tokencheck.cli.moments import clock, moment_of
from tokencheck.cli.options import cluster_options
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.screen import Screen
from tokencheck.cli.tell import finding_lines, token_lines, told_counts
from tokencheck.core.checks.chain import judge
from tokencheck.core.checks.reading import ASK_AN_ADMIN, USE_A_PROVIDER
from tokencheck.core.checks.words import shown
from tokencheck.core.tokens.read import read_token
from tokencheck.model.errors import UsageError
from tokencheck.model.evidence import (
    Absent,
    Evidence,
    Held,
    Holding,
    SecretContent,
    SecretMeta,
    TokenEvidence,
)
from tokencheck.model.facts import Facts, Family, Problem
from tokencheck.model.sealed import Sealed

_MAX_BYTES = 1 << 20  # what a Secret can hold; a larger text is malformed whatever its end says
_NO_KEY = b"\0"  # fingerprints are compared with nothing here
_WHERE = (
    "Say where the token is: --file FILE, - (standard input) or --secret NS/NAME#KEY. It is never"
    " taken from the command line itself, which other users of the machine can read."
)
_FILE = click.Path(dir_okay=False)
_Found = tuple[Holding, Sealed | None]
_WORDS = (
    ("its provider was not asked: only the operator does that", "its provider was not asked"),
    (
        "look at the TokenCheck in the cluster",
        "add --ask to show the token to the vendor; a provider with introspection, and Vault, are"
        " asked by the operator alone",
    ),
    (ASK_AN_ADMIN, "mend what is named and run it again: it was asked once"),
    (USE_A_PROVIDER, "give a TokenProvider with --provider FILE, or public keys with --jwks FILE"),
    (
        "put the issuer's JWKS where the keys are expected",
        "give the issuer's JWKS with --jwks FILE",
    ),
    ("Make the Secret again without it", "Write it again without"),
)


@click.command(short_help="Judge one token.")
@click.argument("source", nargs=-1, metavar="[-]")
@click.option("--file", type=click.Path(dir_okay=False), help="File that holds the token alone.")
@click.option("--secret", metavar="NS/NAME#KEY", help="Key of a Secret, read with your own rights.")
@click.option(
    "--provider",
    type=_FILE,
    help="TokenProvider manifest; a ConfigMap with its keys may stand beside it.",
)
@click.option("--check", type=_FILE, help="TokenCheck manifest whose expectations count.")
@click.option("--token", metavar="NAME", help="Which of its tokens; the first by default.")
@click.option(
    "--jwks",
    type=_FILE,
    metavar="FILE|URL",
    help="Public keys: a JSON Web Key Set or PEM, or the https address that is asked for them.",
)
@click.option(
    "--allow-private",
    metavar="CIDR",
    multiple=True,
    help="Private network to which the URL may lead; repeatable.",
)
@click.option("--ca-bundle", type=_FILE, help="PEM of the authorities that the URL is held to.")
@click.option("--issuer", help="Expected issuer.")
@click.option("--audience", "audiences", multiple=True, help="Expected audience; repeatable.")
@click.option("--require-scope", "scopes", multiple=True, help="Required scope; repeatable.")
@click.option(
    "--ask", is_flag=True, help="Show the token to the vendor of --provider, and hear it."
)
@click.option("--at", metavar="TIME", help="Judge as of this moment: 2027-01-31T00:00:00Z or +14d.")
@output_option(Form.TABLE, Form.JSON, Form.YAML)
@cluster_options
def command(
    *,
    source: tuple[str, ...],
    file: str | None,
    secret: str | None,
    ask: bool,
    at: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
    **expected: Any,  # noqa: ANN401 - the options of Asked, by their names
) -> int:
    """Judge one token from a file, standard input (-) or a Secret, as the operator would.

    Files need no cluster. Exit code 0: every check that ran passes or only warns; 1: one fails;
    3: what was asked cannot be told.

    \b
    tokencheck verify --file token.jwt --provider provider.yaml --audience payments-api
    vault read -field=token secret/payments | tokencheck verify - --jwks jwks.json
    tokencheck verify --file token.jwt --jwks https://login.example.com/realms/shop/keys
    """  # noqa: D301 - click wants the control character itself
    piped = source == ("-",)
    if (source and not piped) or sum((piped, file is not None, secret is not None)) != 1:
        raise UsageError(_WHERE)
    now = clock()
    moment = moment_of(at, now)
    wanted = expectations_of(Asked(**expected))
    if secret is not None:
        place, (holding, text) = _in_cluster(secret, wanted, kubeconfig, context)
    else:
        place, (holding, text) = _in_file(file, wanted, now)
    token = TokenEvidence(spec=wanted.spec, source=place, holding=holding, trust=wanted.trust)
    if ask:
        from tokencheck.cli.asking import with_answer

        token = with_answer(token, text, wanted, now)
    evidence = Evidence(namespace="", policy=wanted.policy, tokens=(token,))
    assessment = without_memory(judge(evidence, moment))
    document = results_of(assessment, moment, words=_WORDS)
    emit(document, output, lambda doc, screen: _told(doc, moment, screen))
    return exit_of(assessment.verdict)


def _in_file(file: str | None, wanted: Expectations, now: datetime) -> tuple[str, _Found]:
    """Return what a file or standard input holds; its age is that of the file."""
    if file is None:
        place, written, text = "standard input", now, sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        place = f"file {shown(file)}"
        try:
            with open(file, "rb") as opened:  # pathlib takes longer to load than this to run
                text = opened.read(_MAX_BYTES + 1)
                written = datetime.fromtimestamp(os.fstat(opened.fileno()).st_mtime, UTC)
        except (OSError, ValueError):
            # Not the name: somebody may have written the token itself there.
            raise UsageError(
                "The file that --file names cannot be read. Name one that holds the token alone."
            ) from None
    meta = SecretMeta(
        namespace="",
        name=place,
        uid="",
        resource_version="",
        created_at=written,
        changed_at=written,
    )
    return place, _held(Sealed(text), meta, place, wanted)


def _held(text: Sealed, meta: SecretMeta, place: str, wanted: Expectations) -> _Found:
    """Return the facts of the text, or of the field in it that the check names, and that text."""
    chosen: Sealed | Problem | None = text
    if wanted.spec.field is not None:
        # Here: most tokens stand alone, and reading documents takes time to load.
        from tokencheck.core.tokens.documents import select

        chosen = select(text, wanted.spec.field)
    if chosen is None:
        return Absent(what=place, key_only=True), None
    if isinstance(chosen, Problem):
        broken = Facts(kind=Family.OPAQUE, family=Family.OPAQUE, problems=(chosen,))
        return Held(facts=broken, secret=meta), None
    facts = read_token(chosen, wanted.trust, fingerprint_key=_NO_KEY)
    return Held(facts=facts, secret=meta), chosen


def _in_cluster(
    secret: str, wanted: Expectations, kubeconfig: str | None, context: str | None
) -> tuple[str, _Found]:
    """Return what the Secret holds, read with the caller's rights."""
    namespace, _, rest = secret.partition("/")
    name, _, key = rest.partition("#")
    if not (namespace and name and key):
        raise UsageError("--secret is not NS/NAME#KEY. Write it like shop/payments-api#token")
    from tokencheck.cli.reading import read_secret

    place = f'Secret {shown(namespace)}/{shown(name)} key "{shown(key)}"'
    content = read_secret(namespace, name, kubeconfig=kubeconfig, context=context)
    if not isinstance(content, SecretContent):
        return place, (content, None)
    text = content.values.get(key)
    if text is None:
        return place, (Absent(what=place, key_only=True), None)
    return place, _held(text, content.meta, place, wanted)


def _told(document: Mapping[str, Any], now: datetime, screen: Screen) -> list[str]:
    (token,) = document["tokens"]
    source = str(token.get("source", ""))
    verdict = str(document["verdict"])
    facts = {name: value for name, value in token.items() if name != "source"}
    return [
        f"{screen.strong(source)}: {screen.painted(verdict)}",
        *token_lines(facts, now, screen),
        "",
        *finding_lines(document["findings"], now, screen, sources=(source,)),
        "",
        told_counts(document["summary"]),
    ]
