"""Tables of what was studied besides: uncertainty, enrichment, assumptions, evidence."""

from __future__ import annotations

from collections.abc import Sequence

from leukinetics.report.trial.assumptions import Assumed
from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.effects import measure_title
from leukinetics.report.trial.evidence import Evidence
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, interval, number, percent, real, unit_text
from leukinetics.report.trial.power_figures import marker_of, marker_words
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import drawn, factor, few_draws


def uncertainty_grid(trial: Finished) -> Grid | None:
    """The effect over the draws of the parameters, and what share of its variance comes from them."""
    rows = list((trial.part("uncertainty") or {}).get("contrasts") or [])
    groups: dict[str, list[list[str]]] = {}
    for r in rows:
        name = str(r.get("endpoint"))
        found = trial.endpoint_by_id.get(name)
        title = sentence(plain(name) if found is None else endpoint_words(trial, found))[:-1]
        measures = [str(o["measure"]) for o in rows if o.get("endpoint") == name and o.get("measure")]
        measure = measures[0] if measures else "difference"  # of a contrast that could not be made nothing is told
        title += f": {measure_title(measure, trial.unit(name))}"
        seen = drawn(r)
        own = next((c for c in trial.main_contrasts(name) if c.get("arm") == r.get("arm")), {})
        share = real(r.get("share_parameters"))
        cells = [plain(r.get("arm")), interval(seen, factor(measure)), interval(own, factor(measure))]
        groups.setdefault(title, []).append([*cells, NONE if share is None else f"{100 * share:.0f} %"])
    if not groups:
        return None
    range_ = "all of them" if few_draws(trial) else "95\u00a0% of them"
    head = ["Arm", f"Median of draws ({range_})", f"Fitted values ({trial.level} CI)", "Variance from the model"]
    caption = (
        "Effect over draws of what is uncertain in the model (the range to quote), and with its fitted values; the "
        "last column is the share of the variance that the model's uncertainty has; the rest is who happens to take "
        "part."
    )
    return Grid(caption, head, list(groups.items()), csv="uncertainty.csv")


def enrichment_grid(trial: Finished) -> Grid | None:
    """What asking for a biomarker at screening does to effect, size and cost."""
    found = trial.part("power") or {}
    rows = list(found.get("enrichment") or [])
    if not rows:
        return None
    measure = next((str(c.get("measure")) for c in trial.main_contrasts(str(found.get("endpoint")))), "difference")
    scale = factor(measure)
    groups: dict[str, list[list[str]]] = {}
    for r in rows:
        cells = [
            f"≥ {r['threshold']:.10g} {unit_text(r.get('unit'))}".strip(),
            percent(r.get("share")),
            interval({"estimate": r.get("effect"), "ci_low": r.get("ci_low"), "ci_high": r.get("ci_high")}, scale),
            count(r.get("n_for_target")),
            count(r.get("screened_for_target")),
            count(r.get("cost")),
        ]
        groups.setdefault(sentence(marker_words(trial, marker_of(trial, r)))[:-1], []).append(cells)
    head = ["Threshold", "People above", f"Effect ({trial.level} CI)", "Patients per arm", "People screened", "Cost"]
    caption = "Enrichment: what a trial of the target power takes at each threshold."
    if (p := trial.protocol.power) is not None:
        caption += f" Cost: {p.cost_screened:.10g} for each person screened, {p.cost_enrolled:.10g} for each enrolled."
    named = list(groups.items()) if len(groups) > 1 else [("", body) for body in groups.values()]
    return Grid(caption, head, named, csv="enrichment.csv")


def sensitivity_grid(trial: Finished, rows: Sequence[Assumed]) -> Grid | None:
    """The assumed parameters that matter most."""
    if not rows:
        return None
    sense = trial.part("sensitivity") or {}
    scale = 1.0 if sense.get("method") == "sobol" else factor(str(sense.get("measure")))
    body = [[_named(a), a.value, a.range, number(scale * (a.influence or 0.0), 2), _basis(a)] for a in rows]
    head = ["Parameter", "Value", "Plausible range (95\u00a0%)", "Influence", "Basis"]
    return Grid("Assumed parameters that the answer leans on.", head, [("", body)], {0, 4}, "sensitivity.csv")


def assumed_grid(rows: Sequence[Assumed]) -> Grid:
    """All assumed parameters of the assembled model."""
    body = [[_named(a), a.value, a.range, _basis(a)] for a in rows]
    head = ["Parameter", "Value", "Plausible range (95\u00a0%)", "Basis"]
    return Grid("All assumed parameters of the assembled model.", head, [("", body)], {0, 3}, "assumed.csv")


def _named(row: Assumed) -> str:
    return f"{row.meaning} ({row.id})" if row.meaning != row.id else row.id


def _basis(row: Assumed) -> str:
    """What an assumption rests on: its note, and its source where that is more than the word."""
    source = "" if row.source in ("assumption", "assumed") else row.source
    return "; ".join(t for t in (row.note, source) if t) or "assumption"


def evidence_grid(found: Evidence) -> Grid | None:
    """Published studies of the same condition or drugs, and how many of their readouts lie within the errors."""
    if not found.studies:
        return None
    titles = {
        "condition and drug": "Same condition and drug",
        "drug": "Same drug, another condition",
        "condition": "Same condition",
    }
    groups = []
    for shares, title in titles.items():
        mine = [s for s in found.studies if s.shares == shares]
        if mine:
            rows = [
                [s.title, _of(s.predicted_inside, s.predicted), _of(s.fitted_inside, s.fitted), s.source] for s in mine
            ]
            groups.append((title, rows))
    head = ["Published study", "Predicted: inside", "Fitted: inside", "Source"]
    return Grid("Published readouts that lie within the stated errors.", head, groups, {0, 3})


def _of(inside: int, n: int) -> str:
    return f"{inside} of {n}" if n else NONE
