"""A real API server: every kind of token in the recogniser's table is told by its name."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from cluster.cli import tokencheck
from cluster.shop import Shop
from controlplane import ControlPlane
from vectors import filled

VECTORS = Path(__file__).parents[1] / "core" / "vectors"


def test_every_kind_of_the_recogniser_s_table_is_told_by_its_name(
    shop: Shop, controlplane: ControlPlane
) -> None:
    rows = yaml.safe_load((VECTORS / "kinds.yaml").read_text())
    # What stands alone is asked for here: a document is taken apart, a damaged text is Malformed.
    texts = {
        f"token-{number:03}": (kind, filled(text).decode())
        for number, (kind, text, _) in enumerate(rows)
        if kind not in ("Opaque", "JWT", "GoogleServiceAccountKey")
    }
    shop.secret("vendors", data={key: text for key, (_, text) in texts.items()})
    config = controlplane.kubeconfig()
    done = tokencheck("audit", "-n", shop.namespace, "-o", "json", kubeconfig=config)
    told = {row["key"]: row["kind"] for row in json.loads(done.stdout)["tokens"]}
    assert told == {key: kind for key, (kind, _) in texts.items()}
    assert not [text for _, text in texts.values() if text in done.stdout]
