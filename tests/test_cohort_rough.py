"""Tables as they come out of laboratories, read and analysed all the way."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukinetics.cohort.diagnosis.cutoffs import cutoffs
from leukinetics.cohort.figures import change, figure, p_words
from leukinetics.cohort.study import analyse, run_study
from leukinetics.cohort.table import CohortTable, read_table
from leukinetics.cohort.table.dictionary import TableAnalysis
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError
from leukinetics.report.biomarkers import write_biomarker_report
from leukinetics.report.biomarkers.forest import Line, forest
from leukinetics.report.trial.numbers import interval

MATRICES = ("csf", "csf", "serum", "serum")
BODY = "P1,MS,<2,1,2,3\nP2,controls,4,<1,2,5\nP3,MS,3,2,2,5\n"
NAMES = "IL-6 (pg/mL),TNF-a (pg/mL),IL-6 (pg/mL),CRP (mg/L)\n"


def read(tmp_path: Path, text: str) -> CohortTable:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path)


def told(table: CohortTable) -> str:
    return "\n".join(n.text for n in table.notes)


@pytest.mark.parametrize(
    "header",
    [
        ",,CSF,,Serum,\nID,Group," + NAMES,
        "ID,Group,CSF,CSF,Serum,Serum\n,," + NAMES,
        "ID,Group,CSF,,Serum,\nID,Group," + NAMES,
        "Study of cytokines,,,,,\nID,Group,CSF,,Serum,\n,," + NAMES,
    ],
)
def test_headers_that_are_merged_above_or_below_a_title(tmp_path: Path, header: str) -> None:
    table = read(tmp_path, header + BODY)
    assert [a.matrix for a in table.dictionary.analyte] == list(MATRICES)
    assert list(table.analytes) == ["IL-6 CSF", "TNF-a CSF", "IL-6 serum", "CRP serum"]
    assert table.dictionary.table.id is not None and len(table.rows) == 3


def test_a_merged_header_in_a_workbook(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Study of cytokines"])
    sheet.append(["ID", "Group", "Demographics", None, "CSF", None])
    sheet.append([None, None, "Age", "Sex", "IL-6 (pg/mL)", "TNF-a (pg/mL)"])
    for area in ("C2:D2", "E2:F2", "A2:A3", "B2:B3"):
        sheet.merge_cells(area)
    for i in range(4):
        sheet.append([f"P{i}", "MS" if i % 2 else "controls", 30 + i, "FM"[i % 2], "<2" if i else 5.5, 1.5 + i])
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    assert list(table.analytes) == ["IL-6 CSF", "TNF-a CSF"] and len(table.rows) == 4
    assert table.dictionary.table.header_rows == [2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,group,IL-6\nA,a,5\nB,b,-999\nC,a,<2\n", 'missing = ["-999"]'),  # not below the limit of 2
        ("id,group,IL-6\nA,a,5\nB,b,-9\nC,a,-99\n", "'-9', '-99' look like codes"),
        ("id,group,age,IL-6\nA,a,50,1\nB,b,-99,2\n", "'-99' looks like a code"),
        ("id,group,IL-6,os (months),censored\nA,a,1,2,1\nB,b,2,3,0\n", "or that it was censored"),
        ("id,group,IL-6,time to relapse,relapse,event\nA,a,1,2,yes,0\nB,b,2,3,no,1\n", "'relapse', 'event' may all"),
    ],
)
def test_what_would_give_wrong_numbers_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_codes_far_above_all_are_told(tmp_path: Path) -> None:
    assert "'999', '9999' in 3 cells" in told(read(tmp_path, "id,IL-6\nA,5\nB,999\nC,<2\nD,999\nE,9999\n"))
    assert "code" not in told(read(tmp_path, "id,IL-6\nA,700\nB,999\nC,<2\n"))


def test_the_columns_of_a_guessed_outcome_are_told(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "id,IL-6,time to relapse (days),relapse,n_lesions,follow_up_years\n"
        "A,1,20,yes,3,1\nB,2,30,no,0,2\nC,2,40,no,1,2\n",
    )
    assert "time to event, events where 'relapse' is 'yes'" in told(table)
    assert "count, over 'follow_up_years'" in told(table)
    assert np.isfinite(table.rows["time to relapse"]).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [(5000, "5000"), (2540, "2540"), (12345, "12300"), (0.5, "0.5"), (1.2e-9, "1.2 × 10⁻⁹"), (-0.0312, "−0.0312")],
)
def test_numbers_in_sentences(value: float, text: str) -> None:
    assert figure(value) == text
    assert change(1.05) == "+5%" and change(0.8) == "−20%" and p_words(3e-9) == "p < 0.001"


def test_a_corrected_share_lies_within_its_interval() -> None:
    x = np.r_[np.full(41, 0.5), 19.84, np.linspace(0.6, 2.0, 40)]
    rows = cutoffs(Censored.of(x, 0.55), np.r_[np.zeros(41), np.ones(41)], resamples=60)
    rows += cutoffs(Censored.of(x, 0.55), np.r_[np.ones(42), np.zeros(40)], resamples=60)
    found = [v for r in rows for v in (r["corrected"] or {}).values()]
    assert found and all(v["ci_low"] <= v["estimate"] <= v["ci_high"] for v in found)


def test_an_event_of_no_name_is_taken_before_other_answers(tmp_path: Path) -> None:
    text = "id,IL-6,os (months),event,response\nA,1,20,1,yes\nB,2,30,0,no\nC,2,40,1,yes\n"
    kinds = {o.name: (o.kind, o.event) for o in read(tmp_path, text).dictionary.outcome}
    assert kinds == {"os": ("time_to_event", "event"), "response": ("binary", None)}


def small(n: int = 24) -> pd.DataFrame:
    i = np.arange(n)
    return pd.DataFrame(
        {
            "id": [f"P{k}" for k in i],
            "group": np.where(i % 3 == 0, "controls", "MS"),
            "sex": np.where(i % 4 == 0, "M", "F"),
            "IL-6 (pg/mL)": [f"<{1 + k % 2}" if k % 5 == 0 else f"{1.5 + k % 7}" for k in i],
            "relapse": np.where(i % 7 == 1, "", np.where(i % 4 == 1, "yes", "no")),
        }
    )


def test_outcomes_of_controls_are_not_missing() -> None:
    summary = run_study(small()).summary
    outcome, sex = summary["table"]["outcomes"][0], summary["table"]["covariates"][0]
    assert (outcome["n"], outcome["missing"], outcome["left_out"]) == (13, 3, 8)
    assert sex["share"] == pytest.approx(0.75) and sex["positive"] == "F"


@pytest.mark.parametrize("written", [False, True])
def test_blind_names_no_column_that_may_be_an_outcome(tmp_path: Path, written: bool) -> None:
    small().assign(zz_status=7331).rename(columns={"relapse": "relapse (zz)"}).to_csv(tmp_path / "t.csv", index=False)
    given = read_table(tmp_path / "t.csv").dictionary if written else None
    out = run_study(tmp_path / "t.csv", given, tmp_path / "out", blind=True)
    assert "blind, so that none is named" in told(out.table)
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and path.suffix != ".parquet":
            text = path.read_text(encoding="utf-8")
            assert "zz" not in text and "relapse" not in text, path
    seen = analyse(read_table(tmp_path / "t.csv"), blind=True)
    assert "zz" not in str(seen) and "relapse" not in str(seen)


QUICK = {"correlation": False, "diagnosis": False, "prognosis": False, "bootstrap": 20}


def test_rows_in_another_order_tell_the_same() -> None:
    rows = small().assign(group=np.array(["controls", "RR", "PP", ""])[[0, 1, 1, 2, 2, 2, 3, 1] * 3])
    given = CohortTable.from_frame(rows).dictionary.model_copy(update={"analysis": TableAnalysis(**QUICK)})
    one, other = (run_study(r, given).summary for r in (rows, rows.iloc[::-1]))
    for part in ("table", "groups", "multiplicity", "warnings"):
        assert one[part] == other[part]
    assert close(one["analytes"], other["analytes"]) and close(one["subtypes"], other["subtypes"])
    assert [r["group"] for r in one["subtypes"]["rules"]] == [None, "PP", "RR"]


def close(a: object, b: object, rel: float = 1e-5) -> bool:
    """Whether two parts of summaries are the same but for the last digits."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(v, b[k], rel) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(v, w, rel) for v, w in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=rel, abs=rel / 100)
    return a == b


def test_an_interrupted_study_says_that_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from leukinetics.commands import cohort_table
    from leukinetics.commands.cohort import Job

    def cut_off(*_: object, **__: object) -> None:
        (tmp_path / "out" / "work").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort_table, "run_study", cut_off)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        cohort_table.run_table(Job(tmp_path / "t.csv", tmp_path / "out"))


def numbers(x: object, path: str = "") -> dict[str, float]:
    """The numbers of a part of a summary by their places."""
    if isinstance(x, dict):
        return {k: v for key, part in x.items() for k, v in numbers(part, f"{path}.{key}").items()}
    if isinstance(x, list):
        return {k: v for i, part in enumerate(x) for k, v in numbers(part, f"{path}[{i}]").items()}
    return {path: float(x)} if isinstance(x, (int, float)) and not isinstance(x, bool) else {}


ASKED = {"correlation": True, "diagnosis": False, "prognosis": False, "subtypes": False, "bootstrap": 20}


def cohort(seed: int, n: int = 24) -> tuple[pd.DataFrame, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], n)
    x, y = np.exp(rng.normal(size=(2, n)) + 0.5 * (group == "b"))
    frame = pd.DataFrame({"id": [f"P{i}" for i in range(n)], "group": group, "x": x.round(6), "y": y.round(6)})
    entries = [{"name": name, "column": name, "unit": "pg/mL", "limit": 0.7} for name in ("x", "y")]
    form = {"id": "id"}
    return frame, {"table": form, "group": {"column": "group", "control": "a"}, "analyte": entries, "analysis": ASKED}


@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1e-3, 0.37, 1e4]))
def test_a_change_of_unit_scales_levels_and_leaves_p_values(seed: int, factor: float) -> None:
    frame, keys = cohort(seed)
    one = run_study(frame, keys).summary
    larger = frame.assign(x=frame["x"] * factor)
    scaled = {**keys, "analyte": [{**keys["analyte"][0], "limit": 0.7 * factor}, keys["analyte"][1]]}
    other = run_study(larger, scaled).summary
    a, b = one["analytes"][0], other["analytes"][0]
    for part in ("detection", "comparisons"):
        mine, theirs = numbers(a[part]), numbers(b[part])
        assert mine.keys() == theirs.keys()
        assert all(theirs[k] == pytest.approx(v, rel=1e-4, abs=1e-6) for k, v in mine.items() if ".limit" not in k)
    for mine, theirs in zip(a["levels"]["groups"], b["levels"]["groups"], strict=True):
        for key in ("geometric_mean", "ci_low", "ci_high", "mean"):
            if mine["lognormal"][key] is not None:
                assert theirs["lognormal"][key] == pytest.approx(factor * mine["lognormal"][key], rel=1e-4)
        assert theirs["km"]["median"] == (
            None if mine["km"]["median"] is None else pytest.approx(factor * mine["km"]["median"], rel=1e-6)
        )
    assert close(one["correlations"], other["correlations"], 1e-3) and close(one["analytes"][1], other["analytes"][1])


@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_other_names_of_groups_and_an_analyte_without_values_change_nothing_else(seed: int) -> None:
    frame, keys = cohort(seed)
    keys["analysis"] = ASKED | {"correlation": False}
    one = run_study(frame, keys).summary
    other = frame.assign(group=frame["group"].map({"a": "none", "b": "x & <y>", "c": "z" * 60}), z=np.nan)
    more = {
        **keys,
        "group": {"column": "group", "control": "none"},
        "analyte": [*keys["analyte"], {"name": "z", "column": "z", "unit": "pg/mL", "limit": 1.0}],
    }
    found = run_study(other, more).summary
    assert close(numbers(one["analytes"]), numbers(found["analytes"][:2])) and found["failed"] == []
    assert found["analytes"][2]["n"] == 0 and found["analytes"][2]["missing"] == len(frame)


def test_very_small_numbers_are_no_zeros() -> None:
    assert interval({"estimate": 3e-9, "ci_low": 2e-9, "ci_high": 4.1e-9}) == "3.00 × 10⁻⁹ (2.00 × 10⁻⁹ to 4.10 × 10⁻⁹)"
    assert interval({"estimate": 0.0, "ci_low": 0.0, "ci_high": 0.0}) == "0.00 (0.00 to 0.00)"


def test_a_figure_says_what_it_leaves_out() -> None:
    rows = [Line(f"contrast {i}", {"estimate": 1.5, "ci_low": 1.0, "ci_high": 2.0}, 0.05) for i in range(50)]
    made = forest("Odds", rows, "odds_ratio", "odds", "95 %")
    assert made is not None and "10 more are in the table" in made.svg and "10 more are in the table" in str(made)


def test_contrasts_without_a_control_have_rows_of_their_own(tmp_path: Path) -> None:
    frame, keys = cohort(3, 36)
    keys = {**keys, "group": {"column": "group"}, "analysis": ASKED | {"correlation": False, "levels": False}}
    found = run_study(frame, keys, tmp_path / "out").summary["analytes"][0]["detection"]["pairs"]
    write_biomarker_report(tmp_path / "out")
    text = unescape(re.sub(r"<[^>]+>", " ", (tmp_path / "out" / "report.html").read_text(encoding="utf-8")))
    text = re.sub(r"\s+", " ", text).partition("Table 4.")[2]
    assert [(p["group"], p["reference"]) for p in found] == [("b", "a"), ("c", "a"), ("c", "b")]
    for p in found:
        cells = text.partition(f"{p['group']} against {p['reference']}")[2]
        assert interval(p) in cells[:120]


def test_another_answer_is_not_the_event_of_a_time(tmp_path: Path) -> None:
    text = "id,IL-6,time to relapse (days),response,event\nA,1,20,yes,0\nB,2,30,no,0\nC,2,40,yes,0\n"
    table = read(tmp_path, text)
    assert [o.kind for o in table.dictionary.outcome] == ["binary"]
    assert "2 columns not used: 'time to relapse (days)', 'event'" in told(table)
    keys = {"analyte": [{"name": "il6", "column": "IL-6"}]}
    entry = {"name": "t", "column": "time to relapse (days)", "kind": "time_to_event", "event": "event"}
    found = read_table(tmp_path / "t.csv", {**keys, "outcome": [{**entry, "positive": "1"}]})
    assert "no row is '1', which counts as 1; there is '0'" in told(found)
    with pytest.raises(DataError, match="no row is 'seen'"):
        read_table(tmp_path / "t.csv", {**keys, "outcome": [{**entry, "positive": "seen"}]})


def test_a_study_without_its_report_says_how_to_make_it(tmp_path: Path) -> None:
    small().drop(columns="relapse").to_csv(tmp_path / "t.csv", index=False)
    run_study(tmp_path / "t.csv", None, tmp_path / "out")
    with pytest.raises(DataError, match="Its report is made by: leukinetics report"):
        run_study(tmp_path / "t.csv", None, tmp_path / "out")
