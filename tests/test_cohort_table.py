"""Tables of biomarkers as people keep them: dirty ones, files of all kinds, dictionaries."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from typer.testing import CliRunner

from leukinetics.cli import app
from leukinetics.cohort.table import CohortTable, Dictionary, dictionary_toml, guess, guess_toml, read_table
from leukinetics.errors import DataError

HEAD = "id,group,IL-6 (pg/mL)\n"


IL6 = {"name": "IL-6", "column": "IL-6"}


Given = dict[str, Any] | None


def rows(*cells: str) -> str:
    """A table of one analyte, controls and patients in turn."""
    return HEAD + "".join(f"P{i},{'control' if i % 2 else 'MS'},{c}\n" for i, c in enumerate(cells, 1))


def entry(**keys: Any) -> dict[str, Any]:
    return {"table": {"id": "id"}, "group": {"column": "group"}, "analyte": [{**IL6, **keys}]}


def read(folder: Path, text: str | bytes, given: Given = None, name: str = "t.csv") -> CohortTable:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, given)


def told(table: CohortTable) -> str:
    return "\n".join(n.text for n in table.notes)


#: What is wrong, the table, its dictionary, and what the error says.
REFUSED: list[tuple[str, str | bytes, Given, str]] = [
    ("duplicate ids", HEAD + "P1,control,1\nP2,MS,2\nP1,control,3\n", None, "'P1' in rows 2, 4"),
    ("words without a limit", rows("BLQ", "ND", "1"), None, "'BLQ', 'ND' mean below a limit"),
    ("numbers that are dates", rows("<0.5", "1-May", "2"), None, "row 3, column 'IL-6 (pg/mL)': '1-May' is a date"),
    ("both decimal marks", HEAD + 'P1,a,"1,5"\nP2,b,1.5\nP3,b,"1,234"\n', None, "'1,234' may have a decimal comma"),
    ("ambiguous commas", "id;group;IL-6\nP1;a;1,234\nP2;b;2,345\n", None, "'1,234' may have a decimal comma"),
    ("no header", "P1,control,0.5\nP2,MS,0.7\n", None, "no header was found"),
    ("totals", rows("1", "2") + "Mean,,1.5\n", None, "row 4, column 'id': 'Mean' looks like a line that sums"),
    ("unknown words", rows("1", "0.5 or 0.6", "trace"), None, 'missing = ["0.5 or 0.6", "trace"]'),
    ("zero without a limit", rows("1", "0", "2"), None, "row 3, column 'IL-6 (pg/mL)': 1 cell has 0"),
    ("negative without a limit", rows("1", "-0.2", "2"), None, "1 cell has a number below 0"),
    ("a decimal comma between commas", "id,group,IL-6\nP1,a,0,5\nP2,b,1\n", None, "row 2: the row has 4 cells"),
    ("an open quotation mark", 'id,group,IL-6\nP1,"a,1\nP2,b,2\n', None, "a quotation mark is opened and never closed"),
    ("nothing", "", None, "it is empty"),
    ("a header alone", HEAD, None, "there is no row below the header"),
    ("one column", "IL-6\n1\n2\n", None, "it has one column only"),
    ("no biomarker", "id,group,foo\nP1,a,1\nP2,b,2\n", None, "no column was found to hold a biomarker"),
    ("two columns of groups", "id,diagnosis,cohort,IL-6\nP1,a,b,1\nP2,b,c,2\n", None, "may all say who is compared"),
    ("an unknown column", rows("1"), {"analyte": [{"name": "x", "column": "IL6x"}]}, "there is no column 'IL6x'"),
    (
        "a batch without a limit",
        "id,group,IL-6,plate\nP1,a,BLQ,A\nP2,b,2,B\n",
        entry(limits={"column": "plate", "values": {"A": 0.5}}),
        "row 3, column 'plate': the batch 'B' has no limit",
    ),
    ("above nothing known", rows("1", "OOR >"), None, "give upper_limit"),
    ("two units", rows("1"), entry(unit="ng/mL"), "the dictionary says ng/mL, the header pg/mL"),
    ("limits that are none", "id,group,IL-6,IL-6 LOD\nP1,a,BLQ,0\nP2,b,2,x\n", None, "'0', 'x' are no limit"),
    ("open dates", "id,group,date,IL-6\nP1,a,03/04/2020,1\nP1,a,05/06/2020,2\n", None, "dates = \"dmy\" or \"mdy\""),
    ("an unknown unit", "id,group,IL-6,IL-6 unit\nP1,a,1,pg/mL\nP2,b,2,foo\n", None, "'foo' is no unit"),
    ("analytes in rows", "id,group,marker,value\nP1,a,IL-6,1\nP1,a,CRP,<2\n", None, "it names analytes"),
    ("age in words", "id,group,age,IL-6\nP1,a,34,1\nP2,b,forty,2\nP3,b,50,2\n", None, "row 3, column 'age': 'forty'"),
    ("no id in a row", "id,group,IL-6\nP1,a,1\n,b,2\n", None, "row 3, column 'id': there is no id"),
    ("nothing measured", rows("NA", "", "n/a"), entry(), "no analyte has a measurement"),
    ("a control that is not there", rows("1", "2"), {"group": {"column": "group", "control": "x"}}, "no group 'x'"),
    ("no row left", rows("1"), entry() | {"group": {"column": "group", "leave_out": ["control"]}}, "no row of a"),
    (
        "negative times",
        "id,group,IL-6,time to relapse (months),relapse\nP1,a,1,12,1\nP2,b,2,-3,0\n",
        None,
        "row 3, column 'time to relapse (months)': '-3' is negative",
    ),
    (
        "what counts as 1",
        "id,group,IL-6,x\nP1,a,1,red\nP2,b,2,blue\n",
        entry() | {"outcome": [{"name": "x", "column": "x", "kind": "binary"}]},
        "which of 'blue', 'red' counts as 1 is not known",
    ),
    ("molar units of nothing known", rows("1", "2 nM"), entry(), "name the 'observable'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given_", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str | bytes, given_: Given, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, given_)
    said = str(caught.value)
    assert "'t.csv'" in said.splitlines()[0] and message in said
    assert ("--write-dictionary" in said) == (given_ is None and "dictionary" in said.replace("--write-dictionary", ""))


#: What is odd, the table, its dictionary, what a note says, and the upper ends of what was measured.
DECIDED: list[tuple[str, str | bytes, Given, str, list[float]]] = [
    ("a limit above all", rows("0.5", "2"), entry(limit=50), "may be in another unit", [50, 50]),
    ("numbers below the limit", rows("0.25", "2"), entry(limit=0.5), "1 number below the limit counts as", [0.5, 2]),
    ("half the limit", rows("0.25", "2"), entry(limit=0.5), "1 are half the limit", [0.5, 2]),
    ("other limits in cells", rows("<0.2", "2"), entry(limit=0.5), "another limit than the one", [0.2, 2]),
    ("units in cells", rows("<0.2", "700 fg/mL"), None, "1 cell in fg/mL converted to pg/mL", [0.2, 0.7]),
    ("molar units", rows("1", "0.05 pM"), None, "1 cell in pM converted to pg/mL (times 20.813)", [1, 1.04065]),
    ("all below", rows("<0.5", "BLQ"), None, "everything that was measured (2) is below the limit", [0.5, 0.5]),
    ("not detected or not done", rows("<0.5", "ND"), None, 'where it means "not done"', [0.5, 0.5]),
    ("a group of one", rows("<0.5", "1", "2"), None, "Only one sample is in the group 'MS' (row 3)", [0.5, 1, 2]),
    ("merged header", ",,IL-6 (pg/mL),,x\nid,group,value,LOD,\nP1,a,BLQ,0.5,\nP2,b,1,0.5,\n", None, "", [0.5, 1]),
    ("a row of units", "id,group,IL-6\n,,pg/mL\nP1,a,<0.5\nP2,b,1\n", None, "(row 3)", [0.5, 1]),
    ("not UTF-8", "id;group;IL-6 (µg/L)\nMüller;a;<0,5\nP2;b;1\n".encode("cp1252"), None, "read as cp1252", [0.5, 1]),
    ("UTF-16", "id\tgroup\tIL-6\nP1\ta\t<0.5\n".encode("utf-16"), None, "'<0.5' gives the limit", [0.5]),
    ("a mark of bytes", b"\xef\xbb\xbf" + rows("<0.5", "1").encode(), None, "", [0.5, 1]),
    ("decimal commas", "id;group;IL-6\nP1;a;< 0,5\nP2;b;1.234,5\n", None, "decimal comma", [0.5, 1234.5]),
    ("thousands", HEAD + 'P1,a,"1,234"\nP2,b,0.5\n', None, "'1,234' is 1234", [1234, 0.5]),
    ("a legend below", rows("1", "<0.5") + "\n* extrapolated,,\n", None, "nothing but '* extrapolated'", [1, 0.5]),
    ("lost samples", rows("1", "haemolysed", "2"), None, "1 cell 'haemolysed' counts as not measured (row 3)", [1, 2]),
    ("zero below a limit", rows("1", "0"), entry(limit=0.5), "1 cell with 0 counts as below the limit", [1, 0.5]),
    ("short rows", "id,group,IL-6,x\nP1,a,1\nP2,b,2,y\n", None, "1 row has fewer cells", [1, 2]),
    ("nearly one id", "id,group,IL-6\np1,a,1\nP1,b,2\n", None, "differ only in case", [1, 2]),
    ("no group", "id,group,IL-6\nP1,,1\nP2,b,2\nP3,a,3\n", None, "1 row without a group", [1, 2, 3]),
    ("spellings of a group", "id,group,IL-6\nP1,MS,1\nP2,ms ,2\nP3,MS,3\n", None, "'ms' counts as 'MS'", [1, 2, 3]),
    ("put in place", rows(*["0.25"] * 8, "1", "2"), None, "8 of 10 numbers are exactly 0.25", [0.25] * 8 + [1, 2]),
    ("a title above", "Cohort 2020\n\n" + rows("1", "2"), None, "Above the header stands 'Cohort 2020'", [1, 2]),
    ("sep=;", "sep=;\nid;group;IL-6\nP1;a;1\nP2;b;2\n", None, "", [1, 2]),
    ("columns of one name", "id,group,IL-6,IL-6\nP1,a,1,2\n", None, "Several columns are called 'IL-6'", [1]),
    ("a mark", rows("0.5*", "2"), entry(limit=0.2), "1 number with a mark, as '0.5*', counts as observed", [0.5, 2]),
    (
        "marks are intervals",
        rows("0.5*", "2"),
        entry(limit=0.2, quantification_limit=0.8, flagged="interval"),
        "between the limits",
        [0.8, 2],
    ),
    ("marks are below", rows("0.5*", "2"), entry(limit=0.2, flagged="below"), "as below themselves", [0.5, 2]),
    ("above the range", rows("1", ">2000"), None, "", [1, np.inf]),
    ("at the upper limit", rows("1", "2000"), entry(upper_limit=2000), "at or above the upper limit", [1, np.inf]),
    ("rows left out", rows("1", "2", "3"), entry() | {"table": {"id": "id", "skip_rows": [3]}}, "skip_rows", [1, 3]),
    ("a column of units", "id,group,IL-6,IL-6 unit\nP1,a,1,pg/mL\nP2,b,0.002,ng/mL\n", None, "times 1000", [1, 2]),
    (
        "limits by batch",
        "id,group,IL-6,plate\nP1,a,BLQ,A\nP2,b,BLQ,B\n",
        entry(limits={"column": "plate", "values": {"A": 0.5, "B": 0.7}}),
        "",
        [0.5, 0.7],
    ),
    ("unused columns", "id,group,IL-6,shoe\nP1,a,1,41\nP2,b,2,42\n", None, "1 column not used: 'shoe'", [1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given_", "note", "upper"), [d[1:] for d in DECIDED], ids=[d[0] for d in DECIDED])
def test_what_is_odd_is_decided_and_told(
    tmp_path: Path, text: str | bytes, given_: Given, note: str, upper: list[float]
) -> None:
    table = read(tmp_path, text, given_)
    x = next(iter(table.analytes.values()))
    assert x.upper[x.measured].tolist() == pytest.approx(upper)
    assert note in told(table)
    path = tmp_path / "again.toml"  # the dictionary that was filled in reads the same again
    path.write_text(dictionary_toml(table.dictionary), encoding="utf-8")
    again = read_table(tmp_path / "t.csv", path)
    assert again.analytes[x.name].upper.tolist() == pytest.approx(x.upper.tolist(), nan_ok=True)
    assert again.rows.equals(table.rows)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=6))
def test_whatever_stands_in_cells_is_read_or_refused(cells: list[str]) -> None:
    frame = pd.DataFrame({"id": range(len(cells)), "IL-6 (pg/mL)": cells, "sex": cells, "group": cells})
    given_ = {
        "table": {"id": "id"},
        "group": {"column": "group"},
        "analyte": [{**IL6, "limit": 0.5}],
        "covariate": [{"name": "sex", "column": "sex", "kind": "category"}],
    }
    for dictionary in (None, given_):
        try:
            table = CohortTable.from_frame(frame, dictionary)
        except DataError:
            continue
        assert len(table.rows) + sum(n.count for n in table.notes if n.severity == "dropped") == len(cells)


@given(st.binary(max_size=200))
def test_whatever_stands_in_files_is_read_or_refused(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("t.csv", "t.xlsx", "t.parquet"):
            try:
                read(Path(folder), data, None, name)
            except DataError as error:
                assert name in str(error)


@given(st.permutations(range(8)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    frame = pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(8)],
            "group": ["b", "a", "control", "a", "b", "control", "a", "B"],
            "sex": list("FMFMFMMF"),
            "treatment": list("xyzxyzxx"),
            "IL-6 (pg/mL)": ["<0.5", "1,5", "2", "BLQ", "3*", "", "7 ng/mL", "<0.5"],
        }
    )
    one = CohortTable.from_frame(frame)
    other = CohortTable.from_frame(frame.iloc[order].reset_index(drop=True))
    assert other.dictionary == one.dictionary
    back = np.argsort(order)
    assert other.analytes["IL-6"].upper[back].tolist() == pytest.approx(
        one.analytes["IL-6"].upper.tolist(), nan_ok=True
    )
    same = other.rows.iloc[back].reset_index(drop=True).drop(columns="row")
    pd.testing.assert_frame_equal(same, one.rows.drop(columns="row"))
    assert sorted(n.text.split(" (row")[0] for n in other.notes) == sorted(n.text.split(" (row")[0] for n in one.notes)


VALUES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.floats(1e-3, 1e6), st.sampled_from(["seen", "below", "missing"])),
    min_size=2,
    max_size=12,
)


@given(VALUES, st.sampled_from([",", ";", "\t"]))
def test_what_is_written_is_read(values: list[tuple[str, float, str]], delimiter: str) -> None:
    import tempfile

    cells = [{"seen": f"{v!r}", "below": f"<{v!r}", "missing": ""}[how] for _, v, how in values]
    text = delimiter.join(["id", "group", "IL-6 (pg/mL)"]) + "\n"
    text += "".join(
        delimiter.join([f"P{i}", g, c]) + "\n" for i, ((g, _, _), c) in enumerate(zip(values, cells, strict=True))
    )
    if all(how == "missing" for _, _, how in values):
        return
    with tempfile.TemporaryDirectory() as folder:
        x = read(Path(folder), text, entry()).analytes["IL-6"]
        assert x.unit == "pg/mL"
    for i, (_, v, how) in enumerate(values):
        if how == "below":
            assert (x.lower[i], x.upper[i], x.limit[i]) == (0, v, v)
        elif how == "missing":
            assert x.missing[i]
        else:
            assert x.upper[i] == v or x.upper[i] == x.limit[i] > v


def workbook(path: Path, *sheets: list[list[Any]], merged: str = "") -> Path:
    book = Workbook()
    for n, content in enumerate(sheets):
        page = book.active if n == 0 else book.create_sheet()
        assert page is not None
        page.title = f"S{n + 1}"
        for row in content:
            page.append(row)
        if merged and n == 0:
            page.merge_cells(merged)
    book.save(path)
    return path


TABLE = [["id", "group", "IL-6 (pg/mL)"], [1, "a", "<0.5"], [2, None, 1.5], [3, "b", 2]]


def test_workbooks(tmp_path: Path) -> None:
    table = read_table(workbook(tmp_path / "t.xlsx", TABLE, merged="B2:B3"))
    assert table.rows["person"].tolist() == ["1", "2", "3"] and table.rows["group"].tolist() == ["a", "a", "b"]
    assert "Merged cells all count as 'a', which stands in them (rows 2, 3)" in told(table)
    assert table.analytes["IL-6"].upper.tolist() == [0.5, 1.5, 2]
    two = workbook(tmp_path / "two.xlsx", TABLE, TABLE)
    with pytest.raises(DataError, match="2 sheets with tables: 'S1', 'S2'; say which one, with --sheet"):
        read_table(two)
    assert read_table(two, sheet="S2").dictionary.table.sheet == "S2"
    with pytest.raises(DataError, match="no sheet 'x'"):
        read_table(two, sheet="x")
    formula = workbook(tmp_path / "f.xlsx", [*TABLE, [4, "b", "=C4*2"]])
    with pytest.raises(DataError, match="row 5: there are formulas whose results are not in the file"):
        read_table(formula)
    dated = workbook(tmp_path / "d.xlsx", [*TABLE, [4, "b", datetime.datetime(2020, 5, 1)]])
    with pytest.raises(DataError, match="'2020-05-01' is a date"):
        read_table(dated)
    (tmp_path / "no.xlsx").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match="cannot be read as an Excel workbook"):
        read_table(tmp_path / "no.xlsx")


def test_other_files(tmp_path: Path) -> None:
    frame = pd.DataFrame(TABLE[1:], columns=pd.Index(TABLE[0])).assign(**{"IL-6 (pg/mL)": ["<0.5", "1.5", "2"]})
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").analytes["IL-6"].upper.tolist() == [0.5, 1.5, 2]
    (tmp_path / "t.csv").write_bytes((tmp_path / "t.parquet").read_bytes())
    with pytest.raises(DataError, match=r"is a Parquet file \(.parquet\), not a text"):
        read_table(tmp_path / "t.csv")
    for name, message in (("none.csv", "no such file"), ("t.xls", "save it as .xlsx"), ("t.doc", "no table that can")):
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / name)
    with pytest.raises(DataError, match="int is no table"):
        CohortTable.from_frame(3)  # type: ignore[arg-type]
    lists = pd.DataFrame({"id": [1], "IL-6": [[1, 2]]})
    with pytest.raises(DataError, match="column 'IL-6' holds lists"):
        CohortTable.from_frame(lists)


def test_duplicates(tmp_path: Path) -> None:
    text = HEAD + "P1,a,1\nP1,a,<0.5\nP2,b,2\nP2,b,4\n"

    def how(word: str) -> CohortTable:
        return read(tmp_path, text, entry() | {"table": {"id": "id", "duplicates": word}})

    mean = how("mean").analytes["IL-6"]
    assert (mean.lower.tolist(), mean.upper.tolist()) == ([0.5, 3], [0.75, 3])
    assert "4 rows of 2 patients and visits averaged" in told(how("mean"))
    first = how("first")
    assert first.analytes["IL-6"].upper.tolist() == [1, 2] and "2 rows left out" in told(first)
    assert how("samples").repeated and len(how("samples").rows) == 4


def test_visits_covariates_outcomes_and_pairs(tmp_path: Path) -> None:
    text = (
        "patient;group;visit;date;age (years);sex;CSF IL-6 (pg/mL);serum IL-6 (ng/L);relapses;follow-up (months);"
        "time to relapse (weeks);relapse\n"
        "P1;MS;V1;13.05.2020;34;F;<0,5;1,5;2;12;10;yes\n"
        "P1;MS;V2;20.05.2020;34;F;1;2;0;12;5;no\n"
        "P2;healthy controls;V1;01.06.2020;50;m;3;<1;1;6;2;yes\n"
    )
    table = read(tmp_path, text)
    found = table.rows
    assert found["time"].tolist() == [0, 7, 0] and found["visit"].tolist() == ["V1", "V2", "V1"]
    assert table.groups == ("healthy controls", "MS") and table.control == "healthy controls" and table.repeated
    assert found["age"].tolist() == [34, 34, 50] and found["sex"].tolist() == [1, 1, 0]
    assert found["relapses.exposure"].tolist() == pytest.approx([365.25, 365.25, 182.625])
    assert found["time to relapse"].tolist() == [70, 35, 14] and found["time to relapse.event"].tolist() == [1, 0, 1]
    (pair,) = table.dictionary.pair
    ratio = table.ratio(pair.name)
    assert ratio.lower.tolist() == pytest.approx([0, 0.5, 3]) and ratio.upper[0] == pytest.approx(1 / 3)
    assert table.dictionary.analyte[0].observable == "il6_csf"
    with pytest.raises(DataError, match="There is no pair 'x'"):
        table.ratio("x")


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"analyte": [{**IL6, "limitt": 3}]}, "unknown key 'limitt'"),
        ({"analyte": [{**IL6, "unit": "foo"}]}, "'foo' in 'foo' is not a known unit"),
        ({"analyte": [{**IL6, "limit": 1.0, "limit_column": "x"}]}, "both say what the limit is"),
        ({"analyte": [{**IL6, "flagged": "interval"}]}, "needs 'quantification_limit'"),
        ({"analyte": [IL6, IL6]}, "the name 'IL-6' is taken"),
        ({"analyte": [{**IL6, "name": "group"}]}, "the rows have a column of this name"),
        ({"analyte": [IL6], "pair": [{"name": "p", "csf": "a", "serum": "IL-6"}]}, "csf = 'a' is no analyte"),
        ({"outcome": [{"name": "x", "column": "y", "kind": "time_to_event"}]}, "'event', the column that tells"),
        ({"covariate": [{"name": "x", "column": "y", "kind": "binary"}]}, "there is no [[analyte]]"),
        ({"analyte": [IL6], "analysis": {"covariates": ["age"]}}, "there is no covariate 'age'"),
        ({"table": {"header_rows": [1, 3]}}, "follow each other"),
        ({"group": {"column": "g", "control": "a", "order": ["b"]}}, "is not in the order"),
    ],
)  # fmt: skip
def test_dictionaries_that_are_wrong(tmp_path: Path, given_: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, rows("1"), given_)
    assert message in str(caught.value)
    path = tmp_path / "d.toml"
    path.write_text("[[analyte]\n")
    with pytest.raises(DataError, match="is not valid TOML"):
        read_table(tmp_path / "t.csv", path)
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "t.csv", tmp_path / "none.toml")


def test_a_guess_is_written_and_what_stands_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(rows("BLQ", "1"))
    text = guess_toml(tmp_path / "t.csv")
    assert "# TO DO before it can be analysed" in text and "# by its name" in text
    path = tmp_path / "d.toml"
    path.write_text(text.replace('column = "IL-6 (pg/mL)"', 'column = "IL-6 (pg/mL)"\nlimit = 0.5'), encoding="utf-8")
    assert read_table(tmp_path / "t.csv", path).analytes["IL-6"].upper.tolist() == [0.5, 1]
    assert isinstance(guess(tmp_path / "t.csv"), Dictionary)


def test_the_command(tmp_path: Path) -> None:
    table, made, out = tmp_path / "t.csv", tmp_path / "d.toml", tmp_path / "out"
    table.write_text(rows("<0.5", "1", "haemolysed", "3"))
    run = CliRunner().invoke
    written = run(app, ["cohort", str(table), "--write-dictionary", str(made)])
    assert written.exit_code == 0 and "--dictionary" in written.stdout and made.is_file()
    assert run(app, ["cohort", str(table), "--write-dictionary", str(made)]).exit_code == 1
    done = run(app, ["cohort", str(table), "--dictionary", str(made)])
    assert done.exit_code == 0 and "haemolysed" in done.stdout and "3 measured, 1 below" in done.stdout
    assert not out.exists()
    refused = run(app, ["cohort", str(tmp_path / "t.toml"), "--sheet", "x", "--out", str(out)])
    assert refused.exit_code == 1 and "--sheet goes with a table" in refused.stderr
    refused = run(app, ["cohort", str(tmp_path / "t.doc"), "--out", str(out)])
    assert refused.exit_code == 1 and "neither a protocol" in refused.stderr
    refused = run(app, ["cohort", str(made), "--out", str(out)])
    assert refused.exit_code == 1 and "is the dictionary of a table; give the table first" in refused.stderr


def test_rows_of_one_visit_say_in_what_they_differ(tmp_path: Path) -> None:
    rows = ["id,visit,group,IL-6 (pg/mL),colour", "1,a,x,<0.5,red", "1,a,x,<0.5,blue", "2,a,y,3,red", "2,a,y,4,red"]
    path = tmp_path / "twice.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    given = {"table": {"id": "id", "visit": "visit"}, "analyte": [{"name": "il6", "column": "IL-6 (pg/mL)"}]}
    with pytest.raises(DataError) as error:
        read_table(path, given)
    assert "'1' in rows 2, 3 (alike); '2' in rows 4, 5 (they differ in 'il6')" in str(error.value)
    assert "; say duplicates" in str(error.value)
    assert "column not used: 'colour'" in guess_toml(path)
