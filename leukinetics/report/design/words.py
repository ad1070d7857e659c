"""What a design says, in sentences, and how it was computed."""

from __future__ import annotations

from leukinetics.report.design.folder import FinishedDesign, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent, real, unit_text, with_unit
from leukinetics.report.trial.text import join

ROLE = (
    "Sizes of studies, computed from what the protocol assumes. They say what a study could show if that is true; "
    "none of it was estimated from people here."
)
#: Sizes that a sentence names, and what an assay must save to be named.
NAMED, SAVES = 5, 0.9


def answer(c: FinishedDesign) -> list[str]:
    """The answer: how many people each question needs."""
    told = [f"“{plain(r['id'])}” {_people(r)}" for _, r in c.questions]
    shown = told[:NAMED]
    more = f"; {len(told) - NAMED} more questions below" if len(told) > NAMED else ""
    head = f"For a power of {percent(c.summary['target'])} at a two-sided level of {c.summary['alpha']:g}: "
    return [f"{head}{'; '.join(shown)}{more}."]


def _people(r: Row) -> str:
    if r["total"] is None:
        return "is out of reach of any study"
    if r["n"] is None:
        events = f", of whom {count(r['events'])} have an event" if "events" in r else ""
        return f"takes {count(r['total'])} people{events}"
    return f"takes {count(r['total'])} people ({count(r['n'])} and {count(r['n_reference'])})"


def headlines(c: FinishedDesign) -> list[tuple[str, str]]:
    """(heading, text) of the lines under the answer."""
    found = []
    sizes = [(r["total"], plain(r["id"])) for _, r in c.questions if r["total"] is not None]
    reach = [plain(r["id"]) for _, r in c.questions if r["total"] is None]
    if len(sizes) > 1 and not reach:
        most, name = max(sizes)
        found.append(("The largest", f"{count(most)} people, for “{name}”"))
    if reach:
        found.append(("Out of reach", f"{join([f'“{n}”' for n in reach])}"))
    for _, r in c.levels:
        if text := _better(r):
            found.append(("The assay", text))
    return found


def _better(r: Row) -> str:
    """What a better limit would save."""
    now = next((v for v in r["limits"] if v["limit"] and v["limit"] == r["limit"]), None)
    if now is None or now["n"] is None:
        return ""
    total = now["n"] + now["n_reference"]
    lower = [v for v in r["limits"] if v["n"] is not None and 0 < v["limit"] < now["limit"]]
    saving = [v for v in lower if v["n"] + v["n_reference"] < SAVES * total]
    unit = r["unit"]
    at = with_unit(f"{now['limit']:g}", unit_text(unit))
    if not saving:
        return (
            f"“{plain(r['id'])}”: no lower limit that was looked at saves a tenth of the {count(total)} people at {at}"
        )
    # The highest limit that gives nearly all that can be had.
    best = min(v["n"] + v["n_reference"] for v in saving)
    v = max((v for v in saving if v["n"] + v["n_reference"] <= 1.1 * best), key=lambda v: v["limit"])
    n, there = v["n"] + v["n_reference"], with_unit(f"{v['limit']:g}", unit_text(unit))
    more = "" if n == best else ", and hardly fewer with a still lower limit"
    return f"“{plain(r['id'])}”: at {at} {count(total)} people, at {there} {count(n)}{more}"


def method_words(c: FinishedDesign) -> list[tuple[str, str]]:
    """(heading, text) of each method that was used."""
    kinds = {r["kind"] for _, r in c.questions}
    words = {
        "detection": (
            "Detection",
            "Exact power: the probabilities of all tables that the test calls significant are summed; Fisher's exact "
            "test, or the unconditional exact test of the pooled z statistic (Suissa and Shuster, J R Stat Soc A "
            "1985;148:317-27). The size is the smallest that holds the target in the next five sizes, too, since exact "
            "power goes up and down",
        ),
        "level": (
            "Levels",
            "Lognormal levels of two groups with one SD, those below the limit known to be below it and no more: "
            "likelihood-ratio test, its power from the noncentrality of the expected likelihood; beside it simulated "
            "studies of the size found, analysed by that likelihood, by Wilcoxon's test with all below the limit tied, "
            "and by Student's t test with half the limit in place of them",
        ),
        "area": (
            "Area",
            "Variance of an area by Hanley and McNeil (doi:10.1148/radiology.143.1.7063747) or, where asked for, by "
            "Obuchowski and McClish (Stat Med 1997;16:1529-42); two markers of the same people by Hanley and McNeil "
            "(Radiology 1983;148:839-43)",
        ),
        "prognosis": (
            "Time to an event",
            "Events that Cox's model needs by Schoenfeld's formula, of a level by that of Hsieh and Lavori; people "
            "from the share that will have an event",
        ),
        "rate": ("Rates", "Negative binomial rates of two groups; the formula of statsmodels"),
    }
    found = [words[k] for k in words if k in kinds]
    found.append(("Chance", f"{count(c.summary['replicates'])} simulated studies; seed {c.summary['seed']}"))
    return found


def missing(c: FinishedDesign) -> list[str]:
    """What the sizes do not have in them."""
    found = [
        "The assumptions themselves: how sizes change where they are wrong is not here; run the protocol with others.",
        "Dropout, samples that are lost or spoilt, and several samples of one person: add people for them.",
        "Covariates: adjusted analyses need more or fewer people.",
    ]
    if len(c.questions) > 1:
        found.append(
            "Several questions are each asked at the full level: no correction for their number is in the sizes."
        )
    if c.levels:
        found.append("Levels are lognormal with one spread in both groups; other shapes need simulations of their own.")
    if any(real(r.get("power_simulated")) is None for _, r in c.levels):
        found.append("Of studies of more than 3,000 people no power was simulated.")
    return found
