"""The reference page, the digests and the chart's copy of the CRDs follow from crds/."""

import shutil
from pathlib import Path

from reference import generated_files, stale_files, write_files


def test_every_generated_file_is_up_to_date(checkout: Path) -> None:
    assert stale_files(checkout) == [], "run `make docs`"


def test_a_changed_crd_makes_its_copy_and_the_page_out_of_date(
    checkout: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkout / "crds", tmp_path / "crds")
    assert len(write_files(tmp_path)) == 11
    source = tmp_path / "crds" / "tokenproviders.yaml"
    source.write_text(source.read_text().replace("Who may refer to", "Who can refer to"))
    stale = [path.relative_to(tmp_path) for path in stale_files(tmp_path)]
    assert stale == [
        Path("docs/reference.md"),
        Path("operator/tokencheck/api/shipped.py"),
        Path("charts/tokencheck/files/crds/tokenproviders.yaml"),
    ]


def test_the_copy_of_a_crd_that_is_gone_goes_too(checkout: Path, tmp_path: Path) -> None:
    shutil.copytree(checkout / "crds", tmp_path / "crds")
    write_files(tmp_path)
    (tmp_path / "crds" / "tokenproviders.yaml").unlink()
    write_files(tmp_path)
    assert stale_files(tmp_path) == []
    copies = [path.name for path in (tmp_path / "charts/tokencheck/files/crds").iterdir()]
    assert sorted(copies) == ["clustertokenchecks.yaml", "tokenchecks.yaml"]


def test_the_page_names_every_field_and_every_rule(checkout: Path) -> None:
    page = generated_files(checkout)[checkout / "docs" / "reference.md"]
    for said in (
        "`TokenCheck.spec.tokens[].scopes`",
        "`matchExpressions`",
        "**`allowedNamespaces`**",
    ):
        assert said in page
    assert "give exactly one of secretKeyRef and serviceAccountToken" in page
