"""The table of endpoints: each arm's estimate, its contrast, p, and how many values are missing."""

from __future__ import annotations

from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.effects import measure_title
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, interval, p_value, real, with_unit
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import arm_unit, factor, share_factor

STATISTICS = {
    "event_share": "share with the event by the end (Kaplan-Meier)",
    "proportion": "share of patients",
    "rate": "events per patient and time",
    "adjusted_mean": "mean, adjusted",
    "adjusted_geometric_mean": "geometric mean, adjusted",
    "adjusted_geometric_mean_percent_change": "percent change of the geometric mean, adjusted",
    "geometric_mean_percent_change": "percent change of the geometric mean",
}


def endpoint_grid(trial: Finished) -> Grid:
    """Every endpoint: each arm's estimate, its contrast, p, and how many values are missing."""
    groups = []
    missing = _missing(trial)
    adjusted = any(real(r.get("p_adjusted")) is not None for r in trial.rows("contrasts"))
    compared = bool(trial.rows("contrasts"))
    for e in trial.protocol.endpoint:
        rows = [r for r in trial.rows("contrasts") if r.get("endpoint") == e.id]
        first = rows[0] if rows else {}
        title = f"{sentence(endpoint_words(trial, e))[:-1]}{' (primary)' if e.id == trial.primary.id else ''}"
        statistic = next((s for a in trial.arms if (s := trial.estimate(a, e.id).get("statistic"))), None)
        if statistic:
            title += f". Estimate: {STATISTICS.get(str(statistic), plain(statistic).replace('_', ' '))}"
        if first.get("analysis"):
            title += f"; contrast: {measure_title(str(first.get('measure')), trial.unit(e.id))}"
            title += f". {sentence(plain(first['analysis']))}"
        body: list[list[str]] = []
        for arm in trial.arms:
            mine = [r for r in rows if r.get("arm") == arm]
            main = mine[0] if mine else {}
            n = trial.estimate(arm, e.id).get("n")
            lost = count(missing.get((e.id, arm), 0))
            cells = [plain(arm), count(n), lost, _estimate(trial, arm, e.id), _contrast(main) if main else "reference"]
            if not rows:
                cells[4] = NONE
            cells.append(p_value(main.get("p_value")))
            if adjusted:
                cells.append(p_value(main.get("p_adjusted")))
            body.append(cells if compared else cells[:4])
            for more in mine[1:]:
                name = measure_title(str(more.get("measure")), "")
                extra = ["", "", "", name, _contrast(more), p_value(more.get("p_value"))]
                body.append(extra + ([p_value(more.get("p_adjusted"))] if adjusted else []))
        groups.append((title, body))
    head = ["Arm", "n", "Missing", f"Estimate ({trial.level} CI)", f"Against reference ({trial.level} CI)", "p"]
    if not compared:
        return Grid("Endpoints: estimates by arm.", head[:4], groups, csv="arms.csv")
    caption = "Endpoints: estimates by arm and contrasts."
    return Grid(caption, head + (["p, adjusted"] if adjusted else []), groups, csv="contrasts.csv")


def p_words(trial: Finished) -> str:
    """What p values and intervals are of; empty where nothing is compared."""
    rows = trial.rows("contrasts")
    if not rows:
        return ""
    text = "p and CI tell how chance in who takes part bears on the result; both shrink with the number of virtual "
    text += "patients, which is anybody's choice, and neither knows of the model's uncertainty."
    if any(real(r.get("p_adjusted")) is not None for r in rows):
        how = {"holm": "by Holm's method", "hierarchical": "by the hierarchy"}.get(trial.protocol.analysis.multiplicity)
        text += f" p is adjusted {how or 'for several comparisons'} over the contrasts of the primary endpoints; "
        return text + "all other p values are descriptive."
    return text + (" p values are not adjusted for several comparisons." if len(rows) > 1 else "")


def _estimate(trial: Finished, arm: str, endpoint: str) -> str:
    found = trial.estimate(arm, endpoint)
    text = interval(found, share_factor(trial, arm, endpoint))
    return with_unit(text, arm_unit(trial, arm, endpoint))


def _contrast(row: Row) -> str:
    return interval(row, factor(row.get("measure")))


def _missing(trial: Finished) -> dict[tuple[str, str], int]:
    """Patients without a value by (endpoint, arm): as the analysis counted them, or as the table has them."""
    found: dict[tuple[str, str], int] = {}
    for arm in trial.rows("arms"):
        for name, estimate in (arm.get("endpoints") or {}).items():
            counted = estimate.get("missing")
            if isinstance(counted, dict):
                found[name, str(arm.get("name"))] = sum(int(counted.get(k) or 0) for k in ("left", "rule", "failed"))
    if found:
        return found
    table = trial.endpoints
    last = table.sort_values("time", na_position="first", kind="stable").drop_duplicates(
        ["endpoint", "arm", "patient"], keep="last"
    )
    lost = last[last["value"].isna()].groupby(["endpoint", "arm"]).size()
    return {(str(key[0]), str(key[1])): int(n) for key, n in lost.items() if isinstance(key, tuple)}
