"""What follows from other files: docs/reference.md, docs/reasons.md, the chart's copy of `crds/`.

`python -m reference` writes them; `python -m reference --check` only says whether they are as
they should be.
Not here: any other page of the documentation, and the links between pages.
"""

from reference.generated import generated_files, stale_files, write_files

__all__ = ["generated_files", "stale_files", "write_files"]
