"""Shell completion as a shell asks for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cluster.cli import PROGRAM, tokencheck
from tokencheck.cli.main import VERBS


def completed(shell: str, *words: str) -> set[str]:
    """What the program offers for the last of the words."""
    env = {
        "PATH": os.environ["PATH"],
        "_TOKENCHECK_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(["tokencheck", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run([str(PROGRAM)], env=env, capture_output=True, text=True, check=True)
    return {line.partition(",")[2] or line for line in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    done = tokencheck("completion", shell)
    assert done.returncode == 0, done
    assert f"_TOKENCHECK_COMPLETE={shell}_complete" in done.stdout


def test_another_shell_is_refused_with_those_that_are_known() -> None:
    done = tokencheck("completion", "tcsh")
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr


def test_bash_takes_the_script_and_completes_verbs_and_options(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(tokencheck("completion", "bash").stdout)
    asked = f"source {script} && complete -p tokencheck"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)
    assert "_tokencheck_completion" in done.stdout, done
    assert completed("bash", "") == set(VERBS)
    assert completed("bash", "ex") == {"explain"}
    assert {"--namespace", "--at", "--output"} <= completed("bash", "explain", "--")
    assert completed("bash", "audit", "-o", "j") == {"json", "junit"}
