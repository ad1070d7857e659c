"""Everything that is wrong with a biology folder, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from leukinetics.biology.compose import Composition, compose
from leukinetics.biology.conditions import ConditionSet, read_condition
from leukinetics.biology.drugs import Emitted, emit
from leukinetics.biology.entities import Entity, composition
from leukinetics.biology.folder import Biology, load
from leukinetics.biology.infer import Inference
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Problem, Problems
from leukinetics.biology.reader import Module


@dataclass
class Draft:
    """A composition with its units and everything found wrong on the way."""

    composition: Composition
    inference: Inference
    modules: list[Module]
    condition: ConditionSet | None
    emitted: list[Emitted]
    parameters: dict[str, Parameter]
    problems: Problems = field(default_factory=Problems)


def draft(biology: Biology, condition: str | None, drugs: Iterable[str]) -> Draft:
    """Compose core, condition and drugs (which all exist); problems are collected, not raised."""
    problems = Problems()
    problems.extend(biology.problems)
    chosen: ConditionSet | None = None
    parameters = dict(biology.parameters)
    if condition is not None:
        chosen = read_condition(biology.conditions[condition], biology, problems)
        parameters |= chosen.parameters
    wanted = None if chosen is None else chosen.modules
    modules = [m for name, m in biology.modules.items() if wanted is None or name in wanted]
    emitted = [emit(biology.drugs[drug], biology, problems) for drug in drugs]
    for drug in emitted:
        parameters |= {p.id: p for p in drug.parameters if p.id not in biology.parameters}
        for p in drug.parameters:
            if p.id in biology.parameters:
                problems.add(
                    p.place, f"the parameter '{p.id}' has the id of the row in {biology.parameters[p.id].place}."
                )
    made = compose(biology, modules, emitted, parameters, problems, partial=wanted is not None)
    inference = Inference(made, problems)
    inference.check()
    _conservation(made, biology.entities, problems)
    _molar_masses(made, inference, biology.entities, problems)
    return Draft(made, inference, modules, chosen, emitted, parameters, problems)


def check(root: str | Path | None = None) -> list[Problem]:
    """ALL problems of a biology folder (the package's own by default), sorted by file and line.

    Looks at every module, table, drug and condition, whether used together or not; severity "warning" marks what does
    not prevent assembly. Raises ModelError if there is no such folder.
    """
    biology = load(root)
    whole = draft(biology, None, biology.drugs)
    problems = whole.problems
    for broken in biology.broken.values():
        problems.extend(broken)
    for document in biology.conditions.values():
        read_condition(document, biology, problems)
    _unused(biology, whole, problems)
    return problems.sorted


def _unused(biology: Biology, whole: Draft, problems: Problems) -> None:
    """Rows that nothing reads. What patients set may be for later use (a covariate of the population)."""
    used = whole.composition.used | {row["parameter"] for row in biology.genotypes}
    for parameter in biology.parameters.values():
        if parameter.id not in used and "patient" not in parameter.set_by:
            problems.add(
                parameter.place, f"the parameter '{parameter.id}' is used by no module, readout, drug or genotype.",
                severity="warning",
            )  # fmt: skip


def _conservation(made: Composition, entities: Mapping[str, Entity], problems: Problems) -> None:
    """A reaction with both sides must have the same entities on both."""
    for symbol in made.of_kind("species", "state", "rule", "constant"):
        if symbol.entity and symbol.entity not in entities:
            from leukinetics.errors import suggest

            problems.add(symbol.place, f"'@{symbol.entity}' is not in entities.tsv.", suggest(symbol.entity, entities))
    for symbol in made.of_kind("reaction"):
        s = symbol.reaction
        if s is None or not s.reactants or not s.products:
            continue
        sides: list[Counter[str]] = []
        for side in (s.reactants, s.products):
            total: Counter[str] = Counter()
            for number, name in side:
                species = made.symbols.get(name)
                if species is None or species.kind != "species":
                    return
                if not species.entity:
                    problems.add(
                        species.place,
                        f"'{name}' takes part in '{s.text}' but names no entity, so that mass cannot be checked; "
                        "add '// @ENTITY' after its declaration.",
                    )
                    total["?"] = 1
                for part, count in composition(species.entity, entities).items():
                    total[part] += int(count * number) if number == int(number) else count
            sides.append(total)
        if sides[0] != sides[1] and "?" not in sides[0] | sides[1]:
            problems.add(s.place, f"'{s.text}' does not conserve mass: {_list(sides[0])} becomes {_list(sides[1])}.")


def _list(side: Counter[str]) -> str:
    return " + ".join(f"{count} {name}" if count != 1 else name for name, count in sorted(side.items()))


def _molar_masses(made: Composition, inference: Inference, entities: Mapping[str, Entity], problems: Problems) -> None:
    """A readout in mass units of what the model has in moles needs a molar mass."""
    from leukinetics.biology.dimensions import Dimension

    for symbol in made.of_kind("readout"):
        readout = symbol.readout
        if readout is None:
            continue
        found = inference.of_formula(readout)
        if not isinstance(found, Dimension) or found.power("pmol") == readout.unit.dimension.power("pmol"):
            continue
        entity = entities.get(readout.entity)
        if entity is None or entity.molar_mass is None:
            what = f"the molar mass of '{readout.entity}' in entities.tsv" if readout.entity else "an entity"
            problems.add(
                readout.place, f"the readout '{readout.id}' turns {found} into {readout.unit.text} and needs {what}."
            )
