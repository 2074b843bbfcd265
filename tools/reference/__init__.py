"""What follows from `crds/`: docs/reference.md and the chart's own copy of the CRDs.

`python -m reference` writes both; `python -m reference --check` only says whether they are as
they should be.
Not here: any other page of the documentation, and the links between pages.
"""

from reference.generated import generated_files, stale_files, write_files

__all__ = ["generated_files", "stale_files", "write_files"]
