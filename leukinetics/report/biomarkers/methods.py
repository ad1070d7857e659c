"""How everything was computed, in words; the sources are those of the functions' docstrings."""

from __future__ import annotations

from leukinetics.report.biomarkers.folder import FinishedStudy

LIMITS = (
    "A value below a limit is known to lie between 0 and the limit, one above an upper limit to lie above it, one "
    "between two limits to lie there. Limits may differ between rows: each value is judged at its own."
)


def method_words(c: FinishedStudy) -> list[tuple[str, str]]:
    """(heading, text) of each method that this report uses."""
    found = [("Limits", LIMITS)]
    s = c.summary
    if any(a.get("detection") for a in c.analytes):
        found.append(
            (
                "Detection",
                "Wilson's intervals of shares (doi:10.1080/01621459.1927.10502953); chi-square or, with few expected, "
                "9,999 tables of the same margins; Fisher's exact test (Freeman and Halton's for more than two "
                "groups); odds ratios by logistic regression with Firth's penalty, whose profile intervals have ends "
                "where a group has nobody or everybody detected (doi:10.1002/sim.1047); the Cochran–Armitage test of "
                "trend",
            )
        )
    if any(a.get("levels") for a in c.analytes):
        found += [
            (
                "Levels",
                "Maximum likelihood of lognormal levels with the probability of each value's interval (Tobin, "
                "Econometrica 1958;26:24-36), intervals by the profile of the likelihood; the product-limit curve with "
                "time reversed (Gillespie and others, Epidemiology 2010;21:S64-70), which assumes no distribution and "
                "says nothing below the lowest observed level",
            ),
            (
                "Groups",
                "The test is Peto–Peto's for several limits (as NADA's cendiff): whether groups have the same "
                "distribution; it assumes no form, and that a limit does not depend on the level. The estimate is the "
                "ratio of geometric means by the likelihood, lognormal levels with a spread in each group; its "
                "interval is right where spreads differ, but where most are below the limit mean and spread can hardly "
                "be told apart, and its own test misses much (at 80 % below, 60 in each group and a ratio of 2: it "
                "sees 58 of 100, Peto–Peto's 86). With one spread in both the ratio is as sharp as the test, but a "
                "difference of spreads then passes for one of levels; likelihood ratio of the two models: whether "
                "spreads differ, of which little can be seen below the limit. Gehan's test (Biometrika "
                "1965;52:203-23) assumes limits that do not go with the group",
            ),
        ]
    if any((a.get("comparisons") or {}).get("adjusted") for a in c.analytes):
        found.append(
            (
                "Covariates",
                "Tobin's regression of ln levels, one spread for all; logistic regression of detection, separation "
                "looked for and told",
            )
        )
    if any(a.get("repeated") for a in c.analytes):
        found.append(
            (
                "Repeated samples",
                "A mixed model of ln levels with an intercept for each person, censored, by adaptive Gauss–Hermite "
                "quadrature (Pinheiro and Bates, J Comput Graph Stat 1995;4:12-35)",
            )
        )
    if s.get("correlations") or s.get("pairs"):
        found.append(
            (
                "Correlation",
                "Kendall's tau of pairs whose order is certain and the Akritas–Theil–Sen slope (doi:10.2307/2291140); "
                "r of two lognormals by the likelihood",
            )
        )
    if s.get("diagnosis"):
        found += [
            (
                "Diagnosis",
                "DeLong's standard error of the area (doi:10.2307/2531595) on the logit scale, Newcombe's method 5 "
                "where it has none (Stat Med 2006;25:559-73); pairs that the limit leaves open count a half. Cut-offs "
                "are chosen again in resamples, and their optimism taken off",
            ),
            (
                "Risks",
                "Calibration by logistic regression on the logit of the predicted risk with a smooth curve (Austin and "
                "Steyerberg, Stat Med 2019;38:4051-65); net benefit (doi:10.1186/s41512-019-0064-7) with its standard "
                "error (doi:10.1111/biom.13190), both of people left out",
            ),
        ]
    if s.get("prognosis"):
        found.append(
            (
                "Prognosis",
                "Logistic, linear, negative binomial and Cox regression; per doubling with levels below the limit "
                "imputed many times, compatibly with the outcome's model (Bartlett and others, Stat Methods Med Res "
                "2015;24:462-87), put together by Rubin's rules",
            )
        )
    if s.get("several"):
        found.append(
            (
                "Several markers",
                "The elastic net (Friedman, Hastie and Tibshirani, J Stat Softw 2010;33(1):1-22), its penalty chosen "
                "by cross-validation inside each fold; the area's variance by influences (doi:10.1214/15-EJS1035) and "
                "that of partitions. The interval is of what these models do in new people; models fitted to as many "
                "other people would differ more",
            )
        )
    if s.get("subtypes"):
        found.append(
            (
                "Subtypes",
                "Mixtures of lognormal distributions on censored values by expectation and maximisation (Dempster, "
                "Laird and Rubin, J R Stat Soc B 1977;39:1-38), their number by BIC with a bootstrap likelihood-ratio "
                "test (McLachlan, J R Stat Soc C 1987;36:318-24); stability by resampling (Hennig, Comput Stat Data "
                "Anal 2007;52:258-71); Cohen's kappa and Jaccard's index of two definitions",
            )
        )
    resamples = s.get("resamples")
    tail = f"; {resamples:,} resamples where there is a bootstrap" if isinstance(resamples, int) else ""
    found.append(
        (
            "Chance",
            f"Intervals at {c.level}, two-sided tests; {c.correction} correction of several contrasts; seed "
            f"{s.get('seed')}{tail}",
        )
    )
    return found
