"""Assembly: core, one condition and some drugs become one model, kept until a file changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

from leukinetics.biology.assembly import Assembly
from leukinetics.biology.check import Draft, check, draft, modules_of, without_species
from leukinetics.biology.folder import Biology, load
from leukinetics.biology.problems import BiologyError, Problem
from leukinetics.errors import ModelError, suggest

_KEPT = 64
_made: OrderedDict[tuple[str, str | None, tuple[str, ...]], Assembly] = OrderedDict()


def assemble(condition: str | None = None, drugs: Sequence[str] = (), root: str | Path | None = None) -> Assembly:
    """Compose the core with a condition and drugs into one model, with units checked from end to end.

    Parameters
    ----------
    condition : id of a condition (``conditions/<id>.toml``); None for the core as its tables have it.
    drugs : ids of drugs; their order does not matter.
    root : a biology folder; None for the package's own.

    Raises
    ------
    BiologyError
        If anything in the folder prevents assembly; the message lists all problems of the folder with file and line.
    ModelError
        If there is no such folder, condition or drug.
    """
    biology = load(root)
    try:
        names = [drugs] if isinstance(drugs, str) else list(drugs or ())
    except TypeError:
        raise ModelError(f"The drugs are {drugs!r:.40}; give a list of ids, such as ['canakinumab'].") from None
    for name in (*names, *([] if condition is None else [condition])):
        if not isinstance(name, str):
            raise ModelError(f"{name!r:.40} is no id of a condition or drug; give it as text, such as 'healthy'.")
    wanted = tuple(sorted(set(names)))
    key = (biology.signature, condition, wanted)
    if key not in _made:
        if biology.headless:
            raise BiologyError(biology.headless)
        _exists("condition", [] if condition is None else [condition], biology, biology.conditions)
        _exists("drug", wanted, biology, biology.drugs)
        for sentence in homeless(condition, wanted, root).values():
            raise ModelError(sentence)
        made = draft(biology, condition, wanted)
        if made.problems.errors:
            raise BiologyError(_all_errors(made, root))
        _made[key] = Assembly(biology, made)
        while len(_made) > _KEPT:
            _made.popitem(last=False)
    _made.move_to_end(key)
    return _made[key]


def homeless(condition: str | None, drugs: Iterable[str], root: str | Path | None = None) -> dict[str, str]:
    """The drugs that act in a module which a condition (None: the bare core) does not have, each with a sentence that
    says so and names the conditions that have it. Condition and drugs must exist."""
    biology = load(root)
    where = "the bare core" if condition is None else f"the condition '{condition}'"
    found = {}
    for drug, home in without_species(biology, drugs, modules_of(biology, condition)).items():
        there = [name for name in biology.conditions if home in modules_of(biology, name)]
        found[drug] = (
            f"'{drug}' acts in the module '{home.name}', which {where} does not have; take a condition that has "
            f"it ({', '.join(there) or 'there is none'}), or give it extra = ['{home.group}']."
        )
    return found


def _exists(what: str, names: Iterable[str], biology: Biology, known: Iterable[str]) -> None:
    for name in names:
        if name in biology.broken and name not in known:
            raise BiologyError(biology.broken[name].sorted)
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise ModelError(f"There is no {what} '{name}'; there are {there}.{suggest(str(name), known)}")


def _all_errors(made: Draft, root: str | Path | None) -> list[Problem]:
    """What prevents this assembly, and what else in the folder would prevent another."""
    found = [p for p in check(root) if p.severity == "error"]
    places = {(p.file, p.line) for p in found}
    return sorted([*found, *(p for p in made.problems.errors if (p.file, p.line) not in places)])
