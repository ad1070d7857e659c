"""How a benefit is predicted, in words; the sources are those of the functions' docstrings."""

from __future__ import annotations

from leukinetics.report.benefit.folder import FinishedBenefit
from leukinetics.report.trial.numbers import count


def method_words(c: FinishedBenefit) -> list[tuple[str, str]]:
    """(heading, text) of each method."""
    s = c.summary
    found = [
        (
            "Twins",
            "Each virtual patient is simulated under both arms with the same random numbers, so that the benefit is "
            "the difference within a person. Where chance has a part in the course of the disease everybody has "
            "several lives: the same constitution with another past and future",
        ),
        (
            "Weights",
            "Virtual patients are draws from what is thought of people before anything is measured; weighted by the "
            "probability of a patient's measurements given their true levels they are draws from what is thought after "
            "it: E[b | y] = Σ w b, w = L / Σ L. The effective number is 1/Σ w² (Kong, Liu and Wong, J Am Stat Assoc "
            "1994;89:278-88)",
        ),
        (
            "Measurements",
            "A sample scatters around the person's mean by the assay's error and the variation within a person. A "
            "value below a limit has the probability of lying below it, one above the range that of lying above, one "
            "that is missing none: no number stands in its place",
        ),
        (
            "Covariates",
            "Known ones count by a normal kernel, a fifth of the virtual patients' SD wide; those with two values "
            "exactly",
        ),
        (
            "Refusal",
            "With fewer than 50 effective virtual patients nothing is told. What is rare is found by leaving each "
            "thing that is known out: the one without which there would be most is named",
        ),
    ]
    if s["virtual_patients"]["drawn"]:
        found += [
            (
                "Parts of the spread",
                "Each draw of what is not known has the posterior weight of its mean likelihood; Var(b | y) is the "
                "variance between the draws' means, less the error of drawing people, and the mean variance within "
                "them, of which the variance between two lives of one person is chance. Draws with fewer than five "
                "effective people are left out of it",
            ),
            (
                "Assumptions",
                "Total index of all assumed parameters as one (Jansen, Comput Phys Commun 1999;117:35-43): the same "
                "draws with their assumed parameters taken from another draw; 95 % intervals by 1,000 resamples of "
                "the draws",
            ),
            (
                "Parameters",
                "Share of the variance of the draws' means that goes with the ranks of one parameter, less what so "
                "many draws give by chance; p by permutation, adjusted for all parameters",
            ),
        ]
    found.append(
        (
            "Further markers",
            "The share of the weighted variance of the benefit that lies between eight bins of a simulated "
            "measurement, less what bins give by chance",
        )
    )
    if c.table is not None:
        found.append(
            (
                "Table",
                "Analytes are tied to the model's readouts by the dictionary's observables, units converted; each "
                "row is predicted by itself, blind to its outcomes. Where too few virtual patients are like a person "
                "covariates are left out, that first without which there are most; measurements never are",
            )
        )
    found.append(
        ("Random numbers", f"Seed {count(s['seed']).replace(',', '')}; the same protocol gives the same numbers")
    )
    return found
