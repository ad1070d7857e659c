"""The page about the model: written from the model's files, and current."""

from __future__ import annotations

from pathlib import Path

from leukinetics.biology.catalogue import read_catalogue
from leukinetics.biology.document import document, main

PAGE = Path(__file__).parent.parent / "docs" / "model.md"


def test_the_committed_page_is_current() -> None:
    current = PAGE.read_text("utf-8") == document(read_catalogue())
    assert current, (
        "docs/model.md is not that of the model's files: run python -m leukinetics.biology.document docs/model.md"
    )


def test_everything_is_on_the_page() -> None:
    catalogue = read_catalogue()
    text = document(catalogue)
    for name in catalogue.symbols:
        assert name in text
    for row in catalogue.tables["parameters"]:
        assert f"\n| `{row['id']}` | {row['value']} | {row['unit']} | {row['kind']} |" in text
    for name in (*catalogue.drugs, *catalogue.conditions):
        assert f"| `{name}` |" in text


def test_balances_name_all_reactions() -> None:
    text = document(read_catalogue())
    assert "d/dt [crp_plasma] = J_crp_made - J_crp_loss" in text
    assert "J_il1b_exchange: il1b_tissue_total -> il1b_plasma   with rate" in text


def test_the_page_is_written(tmp_path: Path) -> None:
    path = tmp_path / "model.md"
    assert main([str(path)]) == 0
    assert path.read_text("utf-8").startswith("# The model")
    assert main([]) == 2
    assert main([str(tmp_path / "no" / "model.md")]) == 1
