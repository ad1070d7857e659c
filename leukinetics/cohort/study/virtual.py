"""A virtual cohort as the table that a laboratory would send, through the analysis of such tables, beside what was
published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.detect import counts, table_test
from leukinetics.cohort.made_with import made_with
from leukinetics.cohort.plan import Plan
from leukinetics.cohort.published import held_against
from leukinetics.cohort.read import read_cohort
from leukinetics.cohort.study.run import StudyResult, run_study
from leukinetics.cohort.table import CohortTable
from leukinetics.cohort.table.cohort_table import GROUP
from leukinetics.cohort.table.write import TABLE, virtual_table
from leukinetics.cohort.virtual import persons, plan_of, prepare_groups
from leukinetics.trial.store import PROTOCOL, write_bytes, write_text

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.cohort.protocol import CohortProtocol

    Row = dict[str, Any]

#: Times as many people, from whom studies are drawn to tell how often one would find something.
TIMES = 10


def study_virtual(
    protocol: str | Path | Mapping[str, Any] | CohortProtocol,
    out: str | Path | None = None,
    *,
    times: int = TIMES,
    blind: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    assemblies: Mapping[str, Any] | None = None,
) -> StudyResult:
    """Make the people of a cohort's protocol, write them as a table with marks such as ``<6.7`` (table.csv), and
    analyse it as any other table.

    ``published`` of the summary: each finding of the protocol beside what the table shows, and ``chance``, the share of
    studies of this size that would show it, drawn from ``times`` as many people (none where ``times`` is 0). Files as
    of :func:`leukinetics.cohort.study.run.run_study`.
    """
    read = read_cohort(protocol)
    say("the people")
    prepared = prepare_groups(read, assemblies=assemblies)
    people = persons(read, prepared, [[{}] for _ in prepared], threads)[0]
    plan = plan_of(read, prepared, read.marker.limits)
    many = None
    if times and read.published:
        say("more people")
        larger = prepare_groups(read, times, assemblies)
        many = persons(read, larger, [[{}] for _ in larger], threads)[0]
        many.attrs["times"] = times
    frame, dictionary = virtual_table(read, people, plan.units)
    table = replace(CohortTable.from_frame(frame, dictionary), source=TABLE)

    def more(summary: Row) -> Row:
        if out is not None:
            kept = frame.drop(columns=_of_outcomes(dictionary)) if blind else frame
            write_bytes(Path(out) / TABLE, kept.to_csv(index=False).encode())
            if not blind:  # which names the outcomes
                write_text(Path(out) / PROTOCOL, read.text)
        return {"published": beside(summary, table, read, plan, many)}

    made = made_with(read, prepared)
    return run_study(table, None, out, blind=blind, overwrite=overwrite, say=say, more=more, provenance=made)


def beside(
    summary: Row, table: CohortTable, protocol: CohortProtocol, plan: Plan, many: pd.DataFrame | None
) -> list[Row]:
    """The published findings beside the study's own numbers; in a blind one those of detection by group alone."""
    marker = protocol.marker.observable
    a = next(a for a in summary["analytes"] if a["name"] == marker)
    labels = table.rows[GROUP].astype(object).to_numpy()
    seen = table.analytes[marker].detected()
    later: dict[str, Row] = {
        p["outcome"]: next((r for r in p["rows"] if r["marker"] == "detected" and not r["adjusted"]), {})
        for p in summary["prognosis"]
        if p["analyte"] == marker
    }
    where = protocol.prognosis.groups if protocol.prognosis else []
    active = protocol.activity.groups if protocol.activity else []
    like = {
        "contrasts": (a["detection"] or {}).get("pairs") or [],
        "among": table_test(counts(seen, labels, plan.patients), summary["seed"], "among"),
        "activity": [{"group": g, **later["active"]} for g in active if len(active) == 1 and "active" in later],
        "prognosis": [
            {"group": g, "outcome": name, **row} for g in where if len(where) == 1 for name, row in later.items()
        ],
    }
    told = [p for p in protocol.published if not summary["blind"] or p.of in ("control", "groups")]
    return held_against(protocol.model_copy(update={"published": told}), like, many, plan)


def _of_outcomes(dictionary: Any) -> list[str]:
    return [c for o in dictionary.outcome for c in (o.column, o.event, o.exposure) if c is not None]
