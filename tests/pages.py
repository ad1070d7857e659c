"""Pages of the documentation: their fenced blocks, and the commands in these."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the line on which the text begins."""

    language: str
    text: str
    line: int


def text(page: str = "README.md") -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str = "README.md") -> list[Block]:
    """The fenced blocks of a page in order."""
    found = text(page)
    return [Block(m[1], m[2], found.count("\n", 0, m.start(2)) + 1) for m in FENCE.finditer(found)]


def commands(block: Block) -> list[list[str]]:
    """The commands of a console block, split into words."""
    return [shlex.split(line[1:], comments=True) for line in block.text.splitlines() if line.startswith("$")]


def run_python(page: str, block: Block, names: dict[str, object]) -> None:
    """Run a block; its names stay. Blank lines in front make the lines of a traceback those of the page."""
    exec(compile("\n" * (block.line - 1) + block.text, str(ROOT / page), "exec"), names)


def run_leukinetics(arguments: list[str], folder: Path) -> None:
    """Run the command line as a user would."""
    script = Path(sys.executable).with_name("leukinetics")
    done = subprocess.run(
        [str(script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ.copy(),
    )
    assert done.returncode == 0, f"leukinetics {shlex.join(arguments)}\n{done.stdout}{done.stderr}"
