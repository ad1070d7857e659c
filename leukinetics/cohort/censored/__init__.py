"""Statistics of measurements of which some are only known to lie below a limit.

All take :class:`leukinetics.cohort.values.Censored` and give rows of a summary: ``lognormal.lognormal`` (levels),
``km.reverse_km`` (their distribution), ``ros.ros`` (order statistics), ``compare.compare`` with ``peto_peto``,
``gehan``, ``level_ratio`` and ``one_spread`` (groups), ``tobit.tobit`` (covariates), ``mixed.mixed`` (repeated
samples), ``correlation.kendall`` and ``slope``, ``bivariate.correlation`` (two analytes), ``substitution.substitution``
(what half the limit would have given).
"""
