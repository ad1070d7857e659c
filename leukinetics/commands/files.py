"""What users write on a command line: times, settings, lists of names, and tables in files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MAX_TIMES = 10_000_000


def parse_times(text: str) -> NDArray[np.float64]:
    """Times from "start:stop:step" (with the stop where a step ends there) or "0,1,2.5"; else DataError."""
    parts = text.split(":") if ":" in text else text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise DataError(f"--time '{text}' is neither start:stop:step nor a list such as 0,1,2.5.") from None
    if ":" not in text:
        return np.array(numbers)
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)) or numbers[2] <= 0 or numbers[1] < numbers[0]:
        raise DataError(
            f"--time '{text}' is not usable; write start:stop:step with start <= stop and step > 0, such as 0:100:1."
        )
    start, stop, step = numbers
    count = (stop - start) / step
    if count > MAX_TIMES:
        raise DataError(f"--time '{text}' makes more than {MAX_TIMES:,} times; use a larger step.")
    steps = math.floor(count * (1 + 1e-12) + 1e-9)
    times: NDArray[np.float64] = start + step * np.arange(steps + 1, dtype=np.float64)
    times[-1] = min(times[-1], stop)  # rounding must not pass the stop
    return times


def parse_settings(settings: Iterable[str]) -> dict[str, float]:
    """Inputs from "name=value" texts; DataError for anything else and for a name set twice."""
    found: dict[str, float] = {}
    for text in settings:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (name and equals and math.isfinite(number)):
            raise DataError(f"--set '{text}' is not usable; write NAME=VALUE with a number, such as k1=0.5.")
        if name in found:
            raise DataError(f"--set names '{name}' twice; set it once.")
        found[name] = number
    return found


def parse_names(text: str | None, option: str) -> list[str] | None:
    """Names from "A,B"; None for None; DataError where a name is empty."""
    names = None if text is None else [name.strip() for name in text.split(",")]
    if names is not None and not all(names):
        raise DataError(f"{option} '{text}' has an empty name; write names joined by commas, such as A,B.")
    return names


def read_table(path: Path, what: str, labels: Iterable[str]) -> pd.DataFrame:
    """Read a CSV or Parquet file; in CSV the ``labels`` stay text. Raises DataError that names it."""
    import pandas as pd
    import pyarrow as pa

    if not path.is_file():
        raise DataError(f"There is no file '{path}' to read {what} from.")
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise DataError(f"'{path}' is neither .csv nor .parquet, so {what} cannot be read from it.")
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path)
        with warnings.catch_warnings():  # pandas only warns of rows that are longer than the header
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Labels as text keep "007" and "7" apart; the dot is NONMEM's missing value.
            return pd.read_csv(
                path,
                dtype=dict.fromkeys(labels, str),
                na_values=["."],
                skipinitialspace=True,
                index_col=False,
            )
    except (OSError, ValueError, OverflowError, pd.errors.ParserWarning, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["unknown"])[0].rstrip(".")
        raise DataError(f"'{path}' cannot be read as a table of {what}: {reason}.") from error


def number_labels(frames: Sequence[pd.DataFrame], labels: Iterable[str]) -> list[pd.DataFrame]:
    """Make labels read as text whole numbers where ALL of them, in all tables of a run, are such.

    So "007" stays text, and then its neighbours "8" and "9" do as well, in every table alike.
    """
    columns = [[name for name in labels if name in frame and frame[name].dtype.kind in "OU"] for frame in frames]
    texts = [frame[name] for frame, names in zip(frames, columns, strict=True) for name in names]
    if not all(text.str.fullmatch(r"0|-?[1-9]\d{0,17}").eq(True).all() for text in texts):
        return list(frames)
    return [frame.astype(dict.fromkeys(names, "int64")) for frame, names in zip(frames, columns, strict=True)]
