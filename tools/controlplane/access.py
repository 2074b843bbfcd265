"""Who may talk to the API server: users with tokens, kubeconfigs, the service-account key."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# The real node (node.py); RBAC and the Node authorizer know a kubelet by this user.
NODE = "real-0"
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of the token file, with the groups that RBAC sees."""

    name: str
    groups: tuple[str, ...] = ()
    token: str


def users_of(tenants: tuple[str, ...]) -> dict[str, User]:
    """The admin, the control plane's own parts and the tenants, with fresh tokens.

    Keys are short names; a tenant is in the group ``tenants`` and has no rights until a test
    binds some.
    """
    groups = {
        "admin": ("system:masters",),
        "kwok": ("system:masters",),
        "system:kube-controller-manager": (),
        "system:kube-scheduler": (),
        f"system:node:{NODE}": ("system:nodes",),
    } | dict.fromkeys(tenants, ("tenants",))
    return {
        name: User(name=name, groups=member_of, token=secrets.token_urlsafe(24))
        for name, member_of in groups.items()
    }


def write_token_file(path: Path, users: dict[str, User]) -> None:
    """The file that ``--token-auth-file`` reads."""
    lines = [f'{u.token},{u.name},{u.name},"{",".join(u.groups)}"' for u in users.values()]
    write_private(path, "\n".join(lines) + "\n")


def write_service_account_keys(folder: Path) -> None:
    """``sa.key`` and ``sa.pub``: what service-account tokens are signed and checked with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_private(folder / "sa.key", private.decode())
    (folder / "sa.pub").write_bytes(public)


def write_kubeconfig(path: Path, *, server: str, ca_file: Path, token: str, user: str) -> Path:
    """A kubeconfig with one context, readable by its owner only."""
    # JSON is YAML: nothing to quote by hand.
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "tokencheck",
        "clusters": [
            {
                "name": "tokencheck",
                "cluster": {"server": server, "certificate-authority": str(ca_file)},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [
            {
                "name": "tokencheck",
                "context": {"cluster": "tokencheck", "user": user, "namespace": "default"},
            }
        ],
    }
    return write_private(path, json.dumps(config, indent=1))


def write_private(path: Path, text: str) -> Path:
    """The file holds the text, and only its owner reads it."""
    path.touch(mode=_PRIVATE)
    path.chmod(_PRIVATE)
    path.write_text(text)
    return path
