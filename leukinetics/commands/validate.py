"""``leukinetics validate``: the model against published results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from leukinetics.commands.progress import status_line
from leukinetics.engine.stream import check_writable, naming, replacing
from leukinetics.errors import DataError, suggest
from leukinetics.evidence.committed import FILE, committed_text
from leukinetics.evidence.target import Target
from leukinetics.evidence.validate import Validation, all_targets, validate
from leukinetics.report.validation import ORDER, ROLE_WORDS, interval, markdown, misses, page, published, size

MOST_MISSES = 40


def run(
    names: Sequence[str],
    draws: int,
    *,
    json: Path | None = None,
    page_file: Path | None = None,
    markdown_file: Path | None = None,
    patients: int | None = None,
    seed: int = 1,
    threads: int | None = None,
    write: bool = False,
) -> Validation:
    """Validate the named targets (none: all), print the misses, and write the files that are asked for.

    ``write``: also the one in the package; DataError unless all targets are validated.
    """
    if write and names:
        raise DataError("--write keeps a whole validation; leave --target out.")
    for path in (json, page_file, markdown_file, *([FILE] if write else [])):
        if path is not None:
            check_writable(path)
    targets = _chosen(names)
    with status_line("validating") as say:
        found = validate(draws, targets, patients=patients, seed=seed, threads=threads, say=say)
    result = found.as_dict()
    print(summary(found))
    texts = (
        {json: found.as_json}
        | {FILE if write else None: lambda: committed_text(result)}
        | {page_file: lambda: page(result)}
        | {markdown_file: lambda: markdown(result)}
    )
    for path, text in texts.items():
        if path is not None:
            with replacing(path) as temporary, naming(path):
                temporary.write_text(text(), "utf-8")
            print(f"wrote {path}", file=sys.stderr)
    return found


def _chosen(names: Sequence[str]) -> list[Target] | None:
    """The targets of these names, None for the studies that were published."""
    known = {t.id: t for t in all_targets()}
    for name in names:
        if name not in known:
            near = suggest(name, known) or f" They are {', '.join(known)}."
            raise DataError(f"There is no target '{name}'.{near}")
    return [known[name] for name in dict.fromkeys(names)] if names else None


def summary(found: Validation) -> str:
    """Counts by role, and the misses with their size."""
    rows = found.as_dict()["targets"]
    lines = []
    for role in ORDER:
        part = found.of(role)
        if not part:
            continue
        inside = sum(c.inside for c in part)
        lines.append(f"{ROLE_WORDS[role]}: {inside} of {len(part)} readouts inside")
        missed = misses(rows, role)
        for r in missed[:MOST_MISSES]:
            lines.append(f"  {r['id']}: {interval(r)}; published {published(r)}; off by {size(r)}")
        if len(missed) > MOST_MISSES:
            lines.append(f"  and {len(missed) - MOST_MISSES} more")
    return "\n".join(lines)
