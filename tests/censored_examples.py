"""Published data with values below limits, and what published programs find in them."""

from __future__ import annotations

import numpy as np

#: Pyrene in water (ug/L), from the R package NADA (data/ShePyrene.R, https://github.com/cran/NADA).
PYRENE = np.array([
    28, 31, 32, 34, 35, 35, 40, 47, 48, 58, 59, 63, 64, 64, 67, 67, 67, 72, 73, 84, 86, 86, 87, 94, 98, 100, 103, 103,
    105, 107, 110, 111, 117, 119, 119, 122, 122, 132, 133, 133, 138, 163, 163, 163, 163, 174, 187, 190, 222, 238, 273,
    289, 306, 333, 459, 2982,
], dtype=float)  # fmt: skip
PYRENE_BELOW = np.isin(np.arange(56), [0, 4, 5, 9, 21, 32, 35, 41, 42, 43, 45])

#: Lead in organs of herons by dosage (NADA's Golden, data/Golden.R; PbHeron of NADA2).
DOSAGE = np.repeat([0, 0.01, 0.05, 0.25], [7, 7, 6, 7])
LIVER = np.array([
    0.3016412, 0.136149733, 0.04, 0.098927875, 0.04, 0.059551887, 0.039300847, 0.174832536, 0.327969349, 0.116129032,
    0.238457043, 0.037241379, 0.04, 0.04, 7.085059172, 34.561128527, 0.037130542, 0.192421384, 0.114814815,
    30.694444444, 0.433145363, 0.261548471, 0.215394089, 0.219843852, 0.402298851, 46.469687093, 0.06,
])  # fmt: skip
LIVER_BELOW = np.isin(np.arange(27), [2, 4, 12, 13])
BLOOD = np.array([
    0.02, 0.02, 0.02, 0.02, 0.02, 0.018644068, 0.02, 0.02, 0.02, 0.033962264, 0.02, 0.02, 0.02, 0.02, 0.106060606,
    0.174074074, 0.02, 0.023529412, 0.01372549, 0.268965517, 0.049152542, 0.015517241, 0.02, 0.024528302, 0.02,
    0.17704918, 0.014285714,
])  # fmt: skip
BLOOD_BELOW = np.isin(np.arange(27), [0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 16, 22, 24])
KIDNEY = np.array([
    0.081962482, 0.062931034, 0.058651026, 0.095550847, 0.116238974, 0.05941358, 0.05, 0.4224, 0.143719807, 0.409883721,
    0.1, 0.239902081, 0.256748911, 0.360598897, 10.671428571, 10.855263158, 1.196933962, 5.114754098, 0.419141324,
    8.368372093, 1.975549451, 1.176400679, 1.365151515, 1.507085253, 3.387272727, 12.214285714, 0.551567398,
])  # fmt: skip
KIDNEY_BELOW = np.arange(27) == 6

#: Cadmium at two sites (Newman, Quantitative Ecotoxicology, example 2.5; tests by R's survdiff at
#: https://edild.github.io, "Quantitative Ecotoxicology, Page 45").
CADMIUM = np.array([81.3, 4.9, 4.6, 3.5, 3.4, 3, 2.9, 1.4, 0.8, 0.7, 0.6, 0.6, 0.6, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2])
CADMIUM_BELOW = np.isin(np.arange(19), [12, 16, 17, 18])
CADMIUM_SITE = np.array(list("AAAAAAABBBAABBBBBBA"))

#: Sulphate (Newman, example 2.3; R's survfit at https://edild.github.io, "Page 39").
SULPHATE = np.array([7.9, 7.7, 7.1, 6.9, 6.5, 6.2, 6.1, 5.7, 5.6, 5.2, 4.5, 4.1, 4, 3.6, 3.5, 3.5, 3.3, 2.6, 2.5, 2.5])
SULPHATE_BELOW = np.arange(20) >= 18


def within(hits: float, n: int, share: float, slack: float = 0.0) -> bool:
    """Whether a simulated share is that expected, up to ``slack`` and to chance (1 in 1000 in either direction)."""
    from scipy.stats import binom

    low, high = max(share - slack, 0.0), min(share + slack, 1.0)
    return bool(binom.cdf(hits, n, low) > 1e-3 and binom.sf(hits - 1, n, high) > 1e-3)
