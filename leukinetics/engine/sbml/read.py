"""The entry to reading models: where text comes from, and whether it is sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from leukinetics.engine.sbml.antimony import antimony_to_sbml
from leukinetics.engine.sbml.build import UnitTexts, build_system
from leukinetics.engine.sbml.refuse import flatten_hierarchy, refuse_constructs
from leukinetics.engine.sbml.scan import scan
from leukinetics.engine.sbml.symbols import Place, collect
from leukinetics.engine.sbml.units import Units, quotient, text
from leukinetics.engine.system import OdeSystem
from leukinetics.engine.system_cache import cached_system
from leukinetics.errors import ModelError

_SUFFIXES = (".xml", ".sbml", ".ant", ".txt")
_SHOWN = 3  # problems named in one message
_MANY_RULES = 60


def read_model(path_or_text: str | Path) -> OdeSystem:
    """Read SBML (Level 1 Version 1 to Level 3 Version 2) or Antimony.

    ``path_or_text``: a path, or the text of a model (SBML starts with ``<``).

    Inputs of the system: every global parameter, compartment, identified stoichiometry and local parameter
    (``reaction.parameter``), and of every species the value at the start in the sense that its id has in the
    SBML (a concentration, or an amount if the file says ``hasOnlySubstanceUnits``). What an assignment rule
    determines is no input. An input's default is NaN where the model computes the start value: by an initial
    assignment, or from an amount divided by the size of the compartment (or the reverse). Setting such an
    input replaces the computation.

    Observables of species are concentrations, except where the compartment has no dimensions; their amounts
    are in ``amounts``. A species without any start value is an error in SBML; in Antimony it starts at 0.

    Raises ModelError for anything unreadable or inconsistent, UnsupportedModelError for valid constructs that
    cannot be simulated; both name the place.
    """
    source, folder, name = _source(path_or_text)
    generated = not source.lstrip().startswith("<")

    def read() -> OdeSystem:
        sbml = antimony_to_sbml(source, folder) if generated else source
        return _read_sbml(sbml, generated, folder, name)

    if re.search(r"\bimport\b" if generated else r"externalModelDefinition", source):
        return read()  # what other files say may change
    return cached_system(source, name, read)


# ---- where the text comes from ---------------------------------------------------------------------


def _source(path_or_text: str | Path) -> tuple[str, Path | None, str]:
    """The text, the folder it lies in, and a name for a model that has none."""
    if isinstance(path_or_text, str):
        content = path_or_text.removeprefix("\ufeff")
        if not content.strip():
            raise ModelError("The model is empty; give a path or the text of an SBML or Antimony model.")
        if content.lstrip().startswith("<") or not _looks_like_path(content):
            return content, None, "model"
        path = Path(content)
    elif isinstance(path_or_text, Path):
        path = path_or_text
    else:
        raise ModelError(f"A model is a path or a text, not {type(path_or_text).__name__}.")
    return _read_file(path), path.parent, path.stem


def _looks_like_path(content: str) -> bool:
    if "\n" in content or "\r" in content or "\0" in content:
        return False
    try:
        if Path(content).exists():
            return True
    except (OSError, ValueError):
        return False
    return content.lower().endswith(_SUFFIXES) or not re.search(r"[;=]|->|^\s*model\s", content)


def _read_file(path: Path) -> str:
    try:
        if path.is_dir():
            raise ModelError(f"'{path}' is a directory; give the path of an SBML or Antimony file.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"There is no file '{path}'.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"The file '{path}' cannot be read: {reason}.") from error
    content = _decode(data)
    if content is None:
        raise ModelError(f"The file '{path}' is neither SBML nor Antimony: it contains binary data.")
    if not content.strip():
        raise ModelError(f"The file '{path}' is empty.")
    if path.suffix.lower() in (".xml", ".sbml") and not content.lstrip().startswith("<"):
        raise ModelError(f"The file '{path}' is not XML: it should start with '<'.")
    return content


def _decode(data: bytes) -> str | None:
    """Text in the encoding that the file declares; None for binary data."""
    encoding = "utf-8-sig"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        declared = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"']", data)
        if declared and declared[1].lower() not in (b"utf-8", b"utf8"):
            encoding = declared[1].decode("ascii")
    try:
        content = data.decode(encoding)
    except (UnicodeError, LookupError):
        return None
    return None if "\0" in content else content


# ---- SBML --------------------------------------------------------------------------------------------


def _read_sbml(sbml: str, generated: bool, folder: Path | None, name: str) -> OdeSystem:
    import libsbml

    place = Place(lines=not generated)
    sbml = _as_utf8(sbml)
    scan(sbml)
    document = libsbml.readSBMLFromString(sbml)
    _raise_errors(document, 0)
    model = document.getModel()
    if model is None:
        raise ModelError("The SBML document contains no model.")
    if folder is not None:
        document.setLocationURI(f"file:{folder / name}.xml")
    if flatten_hierarchy(document):
        model, sbml = document.getModel(), libsbml.writeSBMLToString(document)
        place = Place(lines=False)
    _check_consistency(document)
    refuse_constructs(model, place)
    named = model.getId() or model.getName() or name
    # Antimony's writers leave out what starts at 0; in SBML a missing start is a gap.
    facts = collect(model, place, named, unset_species=0.0) if generated else collect(model, place, named)
    return build_system(facts, _unit_texts(model), sbml)


def _as_utf8(sbml: str) -> str:
    """The text with an XML declaration that says UTF-8; every element keeps its line."""
    body = sbml.lstrip()
    blank = sbml[: len(sbml) - len(body)]
    if body.startswith("<?xml") and "?>" in body:
        body = body.partition("?>")[2]
    return '<?xml version="1.0" encoding="UTF-8"?>' + blank + body.rstrip()


def _check_consistency(document: Any) -> None:
    import libsbml

    document = _without_chains(document)
    checks = {
        "GENERAL_CONSISTENCY": True, "IDENTIFIER_CONSISTENCY": True, "MATHML_CONSISTENCY": True,
        "OVERDETERMINED_MODEL": True, "UNITS_CONSISTENCY": False, "SBO_CONSISTENCY": False,
        "MODELING_PRACTICE": False,
    }  # fmt: skip
    for check, wanted in checks.items():
        document.setConsistencyChecks(getattr(libsbml, f"LIBSBML_CAT_{check}"), wanted)
    before = document.getNumErrors()
    document.checkConsistency()
    _raise_errors(document, before)


def _without_chains(document: Any) -> Any:
    """``document``, or a copy where no rule reads another if there are many rules.

    libSBML's search for circles takes minutes on a few hundred rules that build on each other (300 rules, 20
    deep). Circles, undefined names and wrong calls in the rules' formulas are found later without it.
    """
    import libsbml

    model = document.getModel()
    if model.getNumRules() + model.getNumInitialAssignments() < _MANY_RULES:
        return document
    document = document.clone()
    model = document.getModel()
    number = libsbml.parseL3Formula("0")
    reading = [rule for rule in model.getListOfRules() if rule.isAssignment()]
    for element in [*reading, *model.getListOfInitialAssignments()]:
        if element.isSetMath():
            element.setMath(number)
    return document


def _raise_errors(document: Any, start: int) -> None:
    """Raise ModelError if libSBML has logged errors (rather than warnings) from number ``start`` on."""
    import libsbml

    problems = []
    for i in range(start, document.getNumErrors()):
        error = document.getError(i)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR:
            # The message is the rule of the specification, its place there, then what is wrong here.
            rule, _, detail = error.getMessage().partition("Reference:")
            detail = " ".join(detail.partition("\n")[2].split() or rule.split())
            what = f"{error.getShortMessage()}: {detail[:250]}"
            problems.append(f"line {error.getLine()}, libSBML {error.getErrorId()}, {what}")
    if problems:
        shown = "; ".join(dict.fromkeys(problems[:_SHOWN]))
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ModelError(f"The SBML has errors: {shown}{more}")


def _unit_texts(model: Any) -> UnitTexts:
    units = Units(model)
    sizes = {c.getId(): units.compartment(c) for c in model.getListOfCompartments()}
    others = {name: text(size) for name, size in sizes.items()}
    others |= {p.getId(): text(units.parameter(p)) for p in model.getListOfParameters()}
    rate = text(quotient(units.extent, units.time))
    others |= {r.getId(): rate for r in model.getListOfReactions()}
    amounts = {s.getId(): units.amount(s) for s in model.getListOfSpecies()}
    concentrations = {
        s.getId(): text(quotient(amounts[s.getId()], sizes.get(s.getCompartment()))) for s in model.getListOfSpecies()
    }
    return UnitTexts(others, concentrations, {n: text(u) for n, u in amounts.items()}, text(units.time))
