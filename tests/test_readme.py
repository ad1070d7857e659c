"""Every code block of the README runs, its numbers are those of the validation page, and the recipes work.

``python`` blocks run in order in one interpreter and one folder, in which there are only the examples, so a block may
use names and files of the blocks above it. A ``toml`` block is written to the file that its first line names. In
``console`` blocks the lines that begin with ``$`` are commands: those of ``leukinetics`` run in that same folder; of
``make`` it is checked that the target exists. ``python -m`` commands within the text have to name modules that exist.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import ROOT, blocks, commands, run_leukinetics, run_python, text

from leukinetics import biology

ROLE = re.compile(r"^\| (predicted|fitted|check of an input) \| (\d+) \| (\d+) \|$", re.MULTILINE)
PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/core.md", "docs/trials.md", "docs/protocol.md",
    "docs/populations.md", "docs/statistics.md", "docs/results.md", "docs/cohorts.md", "docs/subtypes.md",
)  # fmt: skip


def test_every_block_is_of_a_kind_that_is_run_or_plain_text() -> None:
    assert {b.language for b in blocks()} <= {"python", "console", "toml", "text"}


@pytest.mark.slow
def test_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    names: dict[str, object] = {"__name__": "readme"}
    for block in blocks():
        if block.language == "python":
            run_python("README.md", block, names)
        elif block.language == "toml":
            (tmp_path / block.text.splitlines()[0].removeprefix("# ")).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command in commands(block):
                if command[0] == "leukinetics":
                    run_leukinetics(command[1:], tmp_path)


def test_make_targets_named_in_the_readme_exist() -> None:
    named = [c for b in blocks() if b.language == "console" for c in commands(b) if c[0] == "make"]
    assert ["make", "demo"] in named
    assert ["make", "test"] in named
    for command in named:
        done = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_modules_and_folders_that_a_page_names_exist(page: str) -> None:
    found = text(page)
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", found):
        assert ((ROOT / page).parent / link).exists(), f"{page} links to {link}"
    for module in re.findall(r"python -m ([\w.]+)", found):
        assert importlib.util.find_spec(module), f"{page} names {module}"
    for file in re.findall(r"`((?:leukinetics|biology|engine|docs|tests)/[\w./]+)`", found):
        places = (ROOT / file, ROOT / "leukinetics" / file)
        assert any(place.exists() for place in places), f"{page} names {file}"


def test_the_numbers_of_the_readme_are_those_of_the_validation_page() -> None:
    counted = ROLE.findall(text("docs/validation.md"))
    assert len(counted) == 3
    assert set(ROLE.findall(text())) == set(counted), "take the table in the README from docs/validation.md"


def test_the_recipes_for_a_drug_a_condition_and_a_mechanism_work(tmp_path: Path) -> None:
    packaged = Path(biology.__file__).parent
    for part in ("modules", "conditions", "drugs"):
        shutil.copytree(packaged / part, tmp_path / part)
    for table in packaged.glob("*.tsv"):
        shutil.copy(table, tmp_path)
    written = []
    for block in blocks("docs/core.md"):
        name = block.text.splitlines()[0].lstrip("#/ ")
        if block.language in ("toml", "text"):
            (tmp_path / name).write_text(block.text, encoding="utf-8")
            written.append(name)
    assert written == ["drugs/my_antibody.toml", "conditions/my_condition.toml", "modules/ferritin.ant"]
    add_row(
        tmp_path / "entities.tsv", id="my_antibody", name="My antibody", kind="drug", molar_mass="150000", source="-"
    )
    add_row(tmp_path / "entities.tsv", id="my_condition", name="my condition", kind="disease", source="-")
    add_row(tmp_path / "entities.tsv", id="ferritin", name="ferritin", kind="protein", molar_mass="474000", source="-")
    given = {"kind": "assumed", "source": "assumption"}
    add_row(tmp_path / "parameters.tsv", id="ferritin_base", value="100", unit="ug/L", entity="ferritin", **given)
    add_row(tmp_path / "parameters.tsv", id="ferritin_loss", value="0.5", unit="1/day", **given)
    readout = {"id": "ferritin", "expression": "ferritin_plasma", "unit": "ug/L", "entity": "ferritin"}
    add_row(tmp_path / "readouts.tsv", **readout, label="ferritin")
    assert biology.check(tmp_path) == []
    model = biology.assemble("my_condition", drugs=["my_antibody"], root=tmp_path).model
    doses = [{"time": 0.0, "target": "my_antibody_depot", "amount": 50.0}]
    result = model.simulate([0.0, 14.0], doses=doses, run_in=20_000.0, outputs=["ferritin", "crp"])
    assert float(result["ferritin"][0, 1]) < 0.8 * float(result["ferritin"][0, 0])


def add_row(table: Path, **cells: str) -> None:
    """Add a row to a table; cells that are not given stay empty."""
    header = table.read_text(encoding="utf-8").split("\n", 1)[0].split("\t")
    assert set(cells) <= set(header)
    with table.open("a", encoding="utf-8") as file:
        file.write("\t".join(cells.get(name, "") for name in header) + "\n")
