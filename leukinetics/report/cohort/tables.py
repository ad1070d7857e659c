"""Tables of a cohort's report, and the CSV files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leukinetics.report.cohort.folder import FinishedCohort, Row
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.narrowing import clear, parameter_meaning, range_words, share_words
from leukinetics.report.trial.numbers import (
    MEASURES,
    NONE,
    count,
    decimals_for,
    fixed,
    interval,
    number,
    p_value,
    percent,
    real,
)
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import drawn

_LABELS = {"age": "age (years)", "disease_duration": "disease duration (years)", "bmi": "BMI (kg/m²)"}


def people_grid(c: FinishedCohort) -> Grid:
    """Who the groups are."""
    names = [n for n in ("age", "sex", "disease_duration") if n in c.people]
    active = bool(c.people["active"].notna().any())
    body = [
        [
            plain(r["name"]),
            plain(r["condition"]),
            count(r["n"]),
            *(_described(c, r["name"], n) for n in names),
            *([_active(c, r["name"])] if active else []),
        ]
        for r in c.summary["groups"]
    ]
    head = ["Group", "Condition", "n", *map(_label, names), *(["Active at the sample, n (%)"] if active else [])]
    return Grid("The people; mean (SD), of durations the median (quartiles).", head, [("", body)], {0, 1})


def groups_grid(c: FinishedCohort) -> Grid:
    """Detection and levels of each group, against the control."""
    odds = {r["group"]: r for r in c.summary["contrasts"] if r["measure"] == "odds_ratio"}
    ratios = {r["group"]: r for r in c.summary["contrasts"] if r["measure"] == "level_ratio"}
    body = []
    for r in c.summary["groups"]:
        level = r["level"] or {}
        mean = {"estimate": level.get("geometric_mean"), **{k: level.get(k) for k in ("ci_low", "ci_high")}}
        share = {"estimate": r["share"], "ci_low": r["ci_low"], "ci_high": r["ci_high"]}
        o = odds.get(r["name"], {})
        body.append(
            [
                plain(r["name"]),
                f"{count(r['detected'])} of {count(r['n'])}",
                interval(share, 100.0),
                interval(o) if o else NONE,
                p_value(o.get("p_exact")),
                interval({"measure": "ratio", **mean}),
                interval({**ratios.get(r["name"], {}), "measure": "ratio"}),
            ]
        )
    unit = c.unit
    head = [
        "Group", "Detected", f"% ({c.level} CI)", f"Odds ratio ({c.level} CI)", "p", f"Level, {unit} ({c.level} CI)",
        f"Ratio of levels ({c.level} CI)",
    ]  # fmt: skip
    text = (
        f"Detection, and against {plain(c.control)} the odds of it (Firth's penalty, profile interval; p by Fisher's "
        "exact test) and the ratio of geometric means, of lognormal levels of which those below the limit are known to "
        "be below it."
    )
    return Grid(text, head, [("", body)], {0}, "groups.csv")


def activity_grid(c: FinishedCohort) -> Grid | None:
    """The odds of detection with active disease."""
    rows = c.summary["activity"]
    if not rows:
        return None
    body = [
        [
            plain(r["group"]),
            f"adjusted for {', '.join(r['adjusted'])}" if r["adjusted"] else "not adjusted",
            f"{count(r['detected'])} of {count(r['n'])}",
            f"{count(r['detected_reference'])} of {count(r['n_reference'])}",
            interval(r),
            p_value(r["p_value"]),
        ]
        for r in rows
    ]
    head = ["Group", "", "Active: detected", "Quiet: detected", f"Odds ratio ({c.level} CI)", "p"]
    return Grid("Detection with active and with quiet disease.", head, [("", body)], {0, 1}, "activity.csv")


def prognosis_grid(c: FinishedCohort) -> Grid | None:
    """What happens later to people with a detectable marker."""
    rows = c.summary["prognosis"]
    if not rows:
        return None
    body = [
        [
            f"{plain(r['group'])}: {plain(r['outcome'])}",
            MEASURES.get(str(r["measure"]), str(r["measure"] or NONE)),
            interval(r),
            p_value(r["p_value"]),
            plain(r["analysis"]),
        ]
        for r in rows
    ]
    head = ["Outcome", "Measure", f"Detected against not ({c.level} CI)", "p", "Analysis"]
    return Grid(
        "Outcomes of the follow-up by detectability at the sample.", head, [("", body)], {0, 1, 4}, "prognosis.csv"
    )


def published_grid(c: FinishedCohort) -> Grid | None:
    """What a study found beside what the cohort shows."""
    rows = c.summary["published"]
    if not rows:
        return None
    body = [
        [
            sentence(plain(r["text"] or r["of"])),
            interval(r) if real(r.get("estimate")) is not None else NONE,
            p_value(r["p_value"]),
            plain(r["verdict"]),
            NONE if real(r["chance"]) is None else percent(r["chance"]),
            plain(r["source"]),
        ]
        for r in rows
    ]
    head = ["Published", f"Here ({c.level} CI)", "p", "In this cohort", "Studies that would", "Source"]
    text = (
        "What was published, and what this virtual cohort shows: odds ratios, rate ratios and differences. Studies "
        "that would: of studies of this size of such virtual people, the share that would find it at the stated level."
    )
    return Grid(text, head, [("", body)], {0, 3, 5}, "published.csv")


def uncertainty_grid(c: FinishedCohort) -> Grid | None:
    """The comparisons over the draws."""
    rows = [r for what in ("control", "activity", "prognosis") for r in c.rows(what)]
    if not rows:
        return None
    groups: dict[str, list[list[str]]] = {}
    titles = {
        "control": f"Odds ratio against {plain(c.control)}",
        "activity": "Odds ratio, active against quiet disease",
        "prognosis": "Later, detected against not",
    }
    for r in rows:
        name = plain(r["group"]) + (
            f": {plain(r['outcome'])}, {MEASURES.get(r['measure'], '')}" if "outcome" in r else ""
        )
        share = real(r["share_parameters"])
        told = drawn(r)
        d = decimals_for(told["ci_low"], told["ci_high"], told["estimate"])
        sds = [NONE if real(r[k]) is None else number(r[k], 2) for k in ("sd_parameters", "sd_patients")]
        cells = [name, fixed(r["fitted"], d), interval(told), *sds, NONE if share is None else percent(share)]
        groups.setdefault(titles[r["what"]], []).append(cells)
    found = c.summary["uncertainty"]
    text = (
        f"Over {count(found['draws'])} draws of all that is uncertain in the model, each of {count(found['times'])} "
        "times as many people: median (95\u00a0% of draws). Last column: the parameters' share of the variance of a "
        "study of this size; the rest is who happens to be in it. The draws' range has the chance of their people in "
        "it; the standard deviations are apart (0: not seen above that chance)."
    )
    head = [
        "Comparison",
        "Fitted values",
        "Median (95\u00a0% of draws)",
        "SD, parameters",
        "SD, people",
        "Variance from the model",
    ]
    return Grid(text, head, list(groups.items()), {0}, "uncertainty.csv")


def narrowing_lines(c: FinishedCohort, row: Row, most: int = 8) -> list[tuple[str, str, Row]]:
    """The parameters that would narrow a comparison, as the figure takes them."""
    table = parameters(c)
    rows = row["narrowing"]["parameters"][:most]
    return [(parameter_meaning(table, r), str(r.get("kind")), r) for r in rows]


def comparison(c: FinishedCohort, row: Row) -> str:
    """What is compared, in words."""
    group = plain(row["group"])
    if row["what"] == "prognosis":
        return f"{group}: later {plain(row['outcome'])}"
    return f"{group}: active against quiet" if row["what"] == "activity" else f"{group} against {plain(c.control)}"


def narrowing_grid(c: FinishedCohort) -> Grid | None:
    """For every comparison what would narrow it: those that stand out, at most four, or the first."""
    table = parameters(c)
    groups = []
    for what in ("control", "activity", "prognosis"):
        for r in c.rows(what):
            if r.get("narrowing") is None:
                continue
            found = r["narrowing"]["parameters"]
            some = [x for x in found if clear(x)][:4] or found[:1]
            title = " ".join(
                t for t in (what, plain(r["group"]), plain(r.get("outcome", "")) if "outcome" in r else "")
            )
            body = [
                [
                    parameter_meaning(table, x),
                    str(x.get("kind")),
                    range_words(x),
                    share_words(x),
                    p_value(x["p_adjusted"]),
                ]
                for x in some
            ]
            groups.append((title, body))
    if not groups:
        return None
    head = ["If it were known", "Known as", "Plausible range (95\u00a0%)", "Variance gone (95 % CI)", "p"]
    text = "What knowing one parameter would take from the variance over the draws; p: adjusted for all looked at."
    return Grid(text, head, groups, {0, 1, 2}, "narrowing.csv")


def parameters(c: FinishedCohort) -> Any:
    """The table of parameters of the groups' models, one row for each name."""
    import pandas as pd

    from leukinetics import biology

    tables = [biology.assemble(g.condition).parameters for g in c.protocol.group]
    return pd.concat(tables, ignore_index=True).drop_duplicates("id")


def csv_rows(c: FinishedCohort) -> dict[str, list[Row]]:
    """The rows of each CSV file."""
    s = c.summary
    doubt = s.get("uncertainty") or {}
    curve = [
        {"limit": p["limit"], "what": what, **_flat(r)}
        for p in s["curve"]
        for what in ("groups", "contrasts", "activity", "prognosis", "levels")
        for r in p[what]
    ]
    contrasts = doubt.get("contrasts") or []
    keys = ("what", "group", "outcome", "measure")
    return {
        "groups": [_flat(r) for r in s["groups"]],
        "contrasts": s["contrasts"],
        "pairs": (s["among"] or {}).get("pairs") or [],
        "activity": [_flat(r) for r in s["activity"]],
        "prognosis": s["prognosis"],
        "curve": curve,
        "published": s["published"],
        "chances": s["chances"],
        "uncertainty": [_flat(r) for r in contrasts],
        "uncertainty_curve": doubt.get("curve") or [],
        "uncertainty_shares": doubt.get("shares") or [],
        "narrowing": [
            {**{k: r.get(k) for k in keys}, **x}
            for r in contrasts
            for x in (r.get("narrowing") or {}).get("parameters") or []
        ],
    }


def _flat(row: Mapping[str, Any]) -> Row:
    """The row with what is in an inner table as columns, and without lists."""
    found: Row = {}
    for k, v in row.items():
        if isinstance(v, Mapping):
            if k != "narrowing":
                found |= {f"{k}.{inner}": x for inner, x in v.items() if not isinstance(x, (list, dict))}
        elif not isinstance(v, list):
            found[k] = v
        elif k == "adjusted":
            found[k] = " ".join(v)
    return found


def _label(name: str) -> str:
    if name == "sex":
        return "Women, n (%)"
    return sentence(_LABELS.get(name, name.replace("_", " ")))[:-1]


def _described(c: FinishedCohort, group: str, name: str) -> str:
    x = c.people.loc[c.people["group"] == group, name].dropna().to_numpy(dtype=float)
    if not len(x):
        return NONE
    if name == "sex":
        return f"{count(x.sum())} ({percent(x.mean()).removesuffix(' %')})"
    if name == "disease_duration":
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        return f"{number(middle, 2)} ({number(low, 2)}–{number(high, 2)})"
    return f"{fixed(x.mean(), 0)} ({fixed(x.std(ddof=1), 0)})" if len(x) > 1 else fixed(x.mean(), 0)


def _active(c: FinishedCohort, group: str) -> str:
    x = c.people.loc[c.people["group"] == group, "active"].dropna().to_numpy(dtype=float)
    return f"{count(x.sum())} ({percent(x.mean()).removesuffix(' %')})" if len(x) else NONE
