"""What a run has finished: the part of it that outlives a kill.

In a trial's folder the journal is ``.run``: ``state.json``, which says what is run, and a folder with one file for each
finished block of people screened, chunk of patients treated and part of a study. A file appears whole, on the disk,
under its name (see :mod:`leukinetics.trial.store`), so whatever has a name is finished, and nothing is computed twice.
Without a folder nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.engine.stream import naming
from leukinetics.trial.store import OBSERVATIONS, observation_file, pack, read_json, unpack, write_bytes, write_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    Tables = dict[str, pd.DataFrame]

RUN, STATE, LOCK = ".run", "state.json", "lock"


class Journal:
    """Finished parts of a run, by name; ``folder`` is the trial's, None: in memory."""

    def __init__(self, folder: Path | None = None, parts: str = "") -> None:
        self.folder = folder
        self.parts = folder / RUN / parts if folder is not None else None
        self._observed: dict[tuple[int, int], pa.Table] = {}

    def tables(self, name: str, compute: Callable[[], Tables], beside: Collection[str] = ()) -> Tables:
        """The tables of a part, computed unless it is finished; ``beside``: files of observations that go with it."""
        if self.folder is None or self.parts is None:
            return unpack(pack(compute()))  # the same types of columns as with a folder
        path = self.parts / f"{name}.tables"
        if path.exists() and all((self.folder / OBSERVATIONS / other).exists() for other in beside):
            try:
                with naming(path):
                    return unpack(path.read_bytes())
            except ValueError:  # damaged after it was written: made again
                path.unlink()
        data = pack(compute())
        write_bytes(path, data)
        return unpack(data)

    def keep(self, name: str, compute: Callable[[], Any]) -> Any:
        """What ``compute`` returns, as JSON has it; computed unless it is finished."""
        if self.parts is None:
            return json.loads(json.dumps(compute()))
        slug = re.sub(r"[^A-Za-z0-9]+", "-", name)[:60]
        path = self.parts / f"study-{slug}-{hashlib.sha256(name.encode()).hexdigest()[:12]}.json"
        if path.exists():
            try:
                return read_json(path)
            except ValueError:
                path.unlink()
        text = json.dumps(compute())
        write_bytes(path, text.encode("utf-8"))
        return json.loads(text)

    def observed(self, chunk: int, arm: int, name: str, table: pa.Table) -> None:
        """Take the observations of one arm of a chunk."""
        if self.folder is None:
            self._observed[arm, chunk] = table
        else:
            write_table(self.folder / OBSERVATIONS / observation_file(arm, name, chunk), table)

    def observations(self) -> pa.Table:
        """All that was observed, without a folder; by arm as the protocol has them, patient, name and time."""
        import pyarrow as pa

        return pa.concat_tables([table for _, table in sorted(self._observed.items(), key=lambda item: item[0])])
