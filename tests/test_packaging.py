"""The package as it is shipped: version, files in the wheel, pinned versions, nothing local in the tree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import leukinetics

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAX_BYTES = 5_000_000
#: Folders of one person's machine: home directories, and working or temporary folders with something below.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:root|home|Users|work|tmp)/\w")


def tracked_files() -> list[Path]:
    """Every file that git tracks and that exists in the working tree."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_version_is_the_same_everywhere() -> None:
    assert leukinetics.__version__ == PROJECT["version"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(rf"^version: {re.escape(PROJECT['version'])}$", citation, re.MULTILINE)
    assert f"[{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    expected = {
        path.relative_to(ROOT).as_posix() for path in tracked_files() if path.is_relative_to(ROOT / "leukinetics")
    }
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    assert expected - shipped == set(), "add the file's ending to the wheel's include list in pyproject.toml"
    assert not {name for name in shipped if name.startswith(("tests/", "bench/"))}


def test_constraints_pin_every_dependency_within_its_range() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    malformed = [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.+]+", line)]
    assert malformed == []
    pins = dict(line.split("==") for line in lines)
    extras = PROJECT["optional-dependencies"]
    for text in [*PROJECT["dependencies"], *extras["dev"], *extras["bench"]]:
        requirement = Requirement(text)
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"constraints.txt has no line for {requirement.name}"
        assert version in requirement.specifier, f"{requirement.name}=={version} is outside {text}"


def test_no_tracked_file_is_large() -> None:
    large = {str(p.relative_to(ROOT)): p.stat().st_size for p in tracked_files() if p.stat().st_size > MAX_BYTES}
    assert large == {}


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a figure or another binary file
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []
