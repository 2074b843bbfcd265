"""An image as a builder writes it: an OCI layout in an archive."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

Object = dict[str, Any]
File = tuple[tarfile.TarInfo, bytes]


class Image:
    """https://github.com/opencontainers/image-spec/blob/main/image-layout.md, for one platform."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as opened:
            self._files = {
                entry.name: opened.extractfile(entry).read() for entry in opened if entry.isfile()
            }
        (top,) = json.loads(self._files["index.json"])["manifests"]
        self.name = top["annotations"]["io.containerd.image.name"]
        told = self._json(top["digest"])["manifests"]
        (self._platform,) = [one for one in told if one["platform"]["os"] == "linux"]
        self._attested = [one for one in told if one["platform"]["os"] == "unknown"]
        self._manifest = self._json(self.digest)
        self.config: Object = self._json(self._manifest["config"]["digest"])

    @property
    def digest(self) -> str:
        """Of its manifest: of its configuration and all its layers, and of no attestation."""
        return self._platform["digest"]

    def statements(self) -> list[Object]:
        """What the builder attests of it: https://github.com/in-toto/attestation."""
        found = []
        for one in self._attested:
            assert one["annotations"]["vnd.docker.reference.digest"] == self.digest
            found += [self._json(layer["digest"]) for layer in self._json(one["digest"])["layers"]]
        return found

    def files(self, *, above: int) -> dict[str, File]:
        """By its path each entry of the layers but so many of the lowest."""
        found: dict[str, File] = {}
        for layer in self._manifest["layers"][above:]:
            with tarfile.open(fileobj=io.BytesIO(self._blob(layer["digest"]))) as opened:
                for entry in opened:
                    content = opened.extractfile(entry) if entry.isfile() else None
                    found[entry.name.rstrip("/")] = (entry, content.read() if content else b"")
        return found

    def everything(self) -> dict[str, bytes]:
        """Layers, configuration and attestations, none of them packed."""
        return {name: unpacked(content) for name, content in self._files.items()}

    def _blob(self, digest: str) -> bytes:
        return self._files[f"blobs/{digest.replace(':', '/')}"]

    def _json(self, digest: str) -> Object:
        return json.loads(self._blob(digest))


def unpacked(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
