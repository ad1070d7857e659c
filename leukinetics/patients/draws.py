"""What is not known about the typical patient, as draws: each a full set of typical values.

Calibrated parameters come together, as rows of the committed posteriors, so that what the data tie together
stays together: one row of the core's, and one of each part's that was calibrated after it. All others come from
their ``uncertainty``, each on its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError
from leukinetics.patients.build import parameters_of
from leukinetics.patients.counters import check_count, normals, uniforms
from leukinetics.patients.genotypes import read_variants
from leukinetics.patients.parameters import read_parameters
from leukinetics.patients.spread import check_typical, parse_spread

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: Written by the calibration: columns are keys of ``typical``, values in the parameter table's published units.
RESULTS = Path(__file__).parents[1] / "calibration" / "results"
POSTERIOR = RESULTS / "core_draws.tsv"
#: Of what conditions add to the core, each calibrated with the core at its values; by the name of their random stream.
LATER = {f"posterior:{part}": RESULTS / f"{part}_draws.tsv" for part in ("ms", "mdd", "cachexia")}


def draws(assembly: Any, n: int, seed: int, posterior: Path | None = None) -> pd.DataFrame:
    """``n`` sets of typical values, one a row, in the units used inside; for ``typical`` of :func:`sample`.

    Columns: parameters with an uncertainty (named "condition.parameter" where the condition sets them), effects
    of genotypes ("effect:variant:parameter"). Draw ``i`` of a name depends on (seed, i, name) only. A calibrated
    parameter that the posterior lacks is drawn from its prior. ``posterior``: another file than the committed one.
    """
    import pandas as pd

    rows = read_parameters(parameters_of(assembly))
    n = check_count("The number of draws", n)
    fitted = _fitted(n, seed, posterior)
    found = {}
    table = assembly.parameters
    for name, kind, uncertainty, prior in zip(*(table[c] for c in ("id", "kind", "uncertainty", "prior")), strict=True):
        row = rows[str(name)]
        key = f"{row.condition}.{name}" if row.condition else str(name)
        if key in fitted:
            found[key] = fitted[key] * row.factor
            continue
        spread = parse_spread(uncertainty, f"the uncertainty of '{name}'")
        if spread is None:
            continue
        center = float(prior) if kind == "calibrated" and np.isfinite(prior) else row.value
        if row.condition and spread.scale == "logit" and center in (0.0, 1.0):
            continue  # what a condition switches off is not uncertain by a share
        check_typical(spread, center, f"The parameter '{name}'")
        found[key] = spread.around(center, normals(seed, f"uncertainty:{name}", n))
    found |= _effects(assembly, rows, n, seed)
    found |= {key: fitted[key] for key in found.keys() & fitted.keys() if key.startswith("effect:")}
    return pd.DataFrame(found, index=pd.RangeIndex(n, name="draw"))


def _fitted(n: int, seed: int, posterior: Path | None) -> dict[str, NDArray[np.float64]]:
    """Rows of the posteriors by key (draws,): each posterior's rows whole, picked by a stream of its own."""
    files = {"posterior": POSTERIOR} | LATER if posterior is None else {"posterior": posterior}
    found: dict[str, NDArray[np.float64]] = {}
    for stream, path in files.items():
        table = _posterior(path)
        pick = (uniforms(seed, stream, n) * len(table)).astype(int)
        for key in table:
            found.setdefault(str(key), table[key].to_numpy(dtype=float)[pick])
    return found


def _posterior(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        return pd.DataFrame()
    try:
        return pd.read_csv(path, sep="\t", comment="#").astype(float)
    except (OSError, ValueError) as error:
        raise DataError(f"The posterior '{path}' cannot be read as a table of numbers: {error}.") from error


def _effects(assembly: Any, rows: Any, n: int, seed: int) -> dict[str, Any]:
    table, found = assembly.genotypes, {}
    for variant in read_variants(table, rows, "EUR", {str(v): 0 for v in table["variant"]}):
        part = table[table["variant"] == variant.id].set_index("parameter")
        for name, effect in variant.effects.items():
            key = variant.key(name)
            spread = parse_spread(part.loc[name, "uncertainty"], f"the effect of '{variant.id}' on '{name}'")
            if spread is not None:
                found[key] = effect + spread.size * normals(seed, key, n)  # the effect is on the log scale already
    return found
