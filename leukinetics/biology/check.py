"""Everything that is wrong with a biology folder, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leukinetics.biology.compose import compose
from leukinetics.biology.conditions import ConditionSet, read_condition
from leukinetics.biology.drug_records import Emitted
from leukinetics.biology.drugs import emit
from leukinetics.biology.entities import Entity, composition
from leukinetics.biology.folder import Biology, load
from leukinetics.biology.infer import Inference
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Problem, Problems
from leukinetics.biology.statements import Module, Statement
from leukinetics.biology.symbols import Composition
from leukinetics.biology.unit_checks import check_units
from leukinetics.errors import suggest


@dataclass
class Draft:
    """A composition with its units and everything found wrong on the way."""

    composition: Composition
    inference: Inference
    modules: list[Module]
    condition: ConditionSet | None
    emitted: list[Emitted]
    parameters: dict[str, Parameter]
    problems: Problems


def draft(biology: Biology, condition: str | None, drugs: Iterable[str], extra: Iterable[str] = ()) -> Draft:
    """Compose core, condition and drugs (which all exist); problems are collected, not raised.

    ``extra``: modules beside the core where no condition says which.
    """
    problems = Problems()
    problems.extend(biology.problems)
    chosen: ConditionSet | None = None
    parameters = dict(biology.parameters)
    if condition is not None:
        chosen = read_condition(biology.conditions[condition], biology, problems)
        parameters |= chosen.parameters
    modules = _modules(biology, chosen, extra)
    parameters = _replaced(modules, parameters, problems)
    emitted = [emit(biology.drugs[drug], biology, problems) for drug in drugs]
    for p in (p for drug in emitted for p in drug.parameters):
        twin = parameters.setdefault(p.id, p)
        if twin is not p:
            problems.add(p.place, f"the parameter '{p.id}' has the id of the one in {twin.place}.")
    inside = {m.name for m in modules}
    left_out = {name for m in biology.modules.values() if m.name not in inside for name in m.defines}
    made = compose(biology, modules, emitted, parameters, problems, left_out=left_out)
    inference = Inference(made, problems)
    check_units(made, inference, biology.entities)
    _check_entities(made, biology.entities, problems)
    return Draft(made, inference, modules, chosen, emitted, parameters, problems)


def check(root: str | Path | None = None) -> list[Problem]:
    """ALL problems of a biology folder (the package's own by default), sorted by file and line.

    Looks at every module, table, drug and condition, whether used together or not; severity "warning" marks what does
    not prevent assembly. Raises ModelError if there is no such folder.
    """
    biology = load(root)
    if biology.headless:
        return biology.headless
    problems, made = Problems(), []
    for extra in _selections(biology):
        homeless = without_species(biology, biology.drugs, _modules(biology, None, extra))
        one = draft(biology, None, [d for d in biology.drugs if d not in homeless], extra)
        problems.extend(one.problems)
        made.append(one.composition)
    for broken in biology.broken.values():
        problems.extend(broken)
    for document in biology.conditions.values():
        read_condition(document, biology, problems)
    _unused(biology, made, problems)
    return problems.sorted


def without_species(biology: Biology, drugs: Iterable[str], modules: Iterable[Module]) -> dict[str, Module]:
    """Drugs that supply a species of a module which is not among ``modules``, with that module."""
    inside = {m.name for m in modules}
    homes = {s.name: m for m in biology.modules.values() for s in m.statements if s.kind == "species"}
    found = {}
    for drug in drugs:
        supplies = biology.drugs[drug].content.get("supplies")
        for table in supplies if isinstance(supplies, list) else []:
            home = homes.get(str(table.get("species"))) if isinstance(table, dict) else None
            if home is not None and home.name not in inside:
                found[drug] = home
    return found


def modules_of(biology: Biology, condition: str | None) -> list[Module]:
    """The modules that are assembled for a condition, or the core's."""
    chosen = None if condition is None else read_condition(biology.conditions[condition], biology, Problems())
    return _modules(biology, chosen, ())


def _selections(biology: Biology) -> Iterable[frozenset[str]]:
    """Sets of extra modules that are assembled together: none, those of each condition, and groups that none has."""
    sets = {frozenset[str]()}
    for document in biology.conditions.values():
        sets.add(frozenset(m.name for m in _extra(biology, read_condition(document, biology, Problems()).extra)))
    left = {m.group for m in biology.modules.values() if m.group and not any(m.name in s for s in sets)}
    sets |= {frozenset(m.name for m in biology.modules.values() if m.group == group) for group in left}
    return sorted(sets, key=sorted)


def _extra(biology: Biology, names: Iterable[str]) -> list[Module]:
    wanted = set(names)
    return [m for m in biology.modules.values() if m.group and (m.name in wanted or m.group in wanted)]


def _modules(biology: Biology, condition: ConditionSet | None, extra: Iterable[str]) -> list[Module]:
    """The core and what the condition adds, or only the modules that it wants."""
    if condition is not None and condition.modules is not None:
        return [m for name, m in biology.modules.items() if name in condition.modules]
    core = [m for m in biology.modules.values() if not m.group]
    return core + _extra(biology, extra if condition is None else condition.extra)


def _replaced(modules: Iterable[Module], parameters: dict[str, Parameter], problems: Problems) -> dict[str, Parameter]:
    """The parameters without those that an extra module computes: what a condition may set as a number."""
    kept = dict(parameters)
    for s in (s for m in modules if m.group for s in m.statements if s.kind in ("rule", "rate")):
        p = kept.get(s.name)
        if p is None or "condition" not in p.set_by:
            continue  # a second definition of any other parameter is a problem of the composition
        if p.owner == "condition":
            problems.add(p.place, f"the condition sets '{s.name}', which {s.place} computes for it.")
        del kept[s.name]
    return kept


def _unused(biology: Biology, drafts: Sequence[Composition], problems: Problems) -> None:
    """Rows that nothing reads, unless a misspelt name or an unreadable statement may have been meant for them."""
    used = {name for made in drafts for name in made.used} | {row["parameter"] for row in biology.genotypes}
    used |= {word for module in biology.modules.values() for word in module.garbled}
    for p in biology.parameters.values():
        if p.id in used or "patient" in p.set_by:  # patients may set what only later modules read
            continue
        if not any(suggest(name, [p.id]) for made in drafts for name in made.unknown):
            message = f"the parameter '{p.id}' is used by no module, readout, drug or genotype."
            problems.add(p.place, message, severity="warning")


def _check_entities(made: Composition, entities: Mapping[str, Entity], problems: Problems) -> None:
    """Symbols name entities of the table, and what a reaction takes is what it makes."""
    for symbol in made.of_kind("species", "state", "discrete", "rule", "constant"):
        if symbol.entity and symbol.entity not in entities:
            near = suggest(symbol.entity, entities)
            problems.add(symbol.place, f"'@{symbol.entity}' of '{symbol.name}' is not in entities.tsv.", near)
    for symbol in made.of_kind("reaction"):
        s = symbol.reaction
        if s is not None and s.reactants and s.products:
            before, after = (_contents(s, side, made, entities, problems) for side in (s.reactants, s.products))
            if before is not None and after is not None and before != after:
                message = f"'{s.text}' does not conserve mass: {_list(before)} becomes {_list(after)}."
                problems.add(s.place, message)


def _contents(
    s: Statement,
    side: Iterable[tuple[float, str]],
    made: Composition,
    entities: Mapping[str, Entity],
    problems: Problems,
) -> Counter[str] | None:
    """Entities on one side of a reaction; None where a species is unknown or names none."""
    total: Counter[str] = Counter()
    for number, name in side:
        species = made.symbols.get(name)
        if species is None or species.kind != "species":
            return None
        if not species.entity:
            problems.add(
                species.place,
                f"'{name}' takes part in '{s.text}' but names no entity, so that mass cannot be checked; write "
                "'// @ENTITY' after its declaration.",
            )
            return None
        for part, count in composition(species.entity, entities).items():
            total[part] += count * number  # type: ignore[assignment]
    return total


def _list(side: Counter[str]) -> str:
    return " + ".join(f"{count:g} {name}" if count != 1 else name for name, count in sorted(side.items()))
