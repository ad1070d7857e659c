"""Modules: a line-based subset of Antimony, read with all of its errors at once.

One statement a line, as Antimony has it, and each ended by ``;``::

    compartment plasma;
    species il6 in plasma;                    // @IL6 plasma interleukin-6
    substanceOnly species depot in plasma;
    il6 = il6_baseline;                       initial value, or a constant derived from parameters
    signal := il6/(il6 + il6_EC50);           assignment rule
    memory' = (signal - memory)/memory_time;  rate rule
    J_il6_loss: il6 -> ; il6_CL*il6;          reaction; its rate is an amount per time
    E_low: at (il6 < limit), t0 = false: count = count + 1, limit = limit/2;      event (see event_text.py)
    function hill(x, k, n)
      (x/k)^n/(1 + (x/k)^n);
    end

A comment after a statement may name the entity that the symbol is made of and describe it: ``// @IL6 description``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from leukinetics.biology.event_text import is_event, parse_event
from leukinetics.biology.formula import Function, Node, parse_formula
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.statements import Module, Statement
from leukinetics.errors import ModelError, suggest

_WORD = r"[A-Za-z_]\w*"
_START = re.compile(
    rf"^\s*(?:(?:substanceOnly\s+)?species\s|compartment\s|function\s|{_WORD}\s*'?\s*(?::=|:(?!=)|=(?!=)))"
)
_FUNCTION = re.compile(rf"^\s*function\s+({_WORD})\s*\(([^()]*)\)\s*(.*)$")
_SPECIES = re.compile(r"^(substanceOnly\s+)?species\s+(.+)$")
_SPECIES_ITEM = re.compile(rf"^({_WORD})\s+in\s+({_WORD})$")
_ASSIGNED = re.compile(rf"^({_WORD})\s*(:=|'\s*=|=)(?!=)\s*(.*)$")
_REACTION = re.compile(rf"^({_WORD})\s*:\s*(.*?)->(.*)$")
_PARTICIPANT = re.compile(rf"^(\d+(?:\.\d+)?)?\s*({_WORD})$")
_KEYWORDS = ("compartment", "species", "substanceOnly species", "function")


def read_module(name: str, file: str, text: str, problems: Problems) -> Module:
    """Read a module; everything that is no statement becomes a problem, and the rest is read all the same."""
    return _Reader(Module(name, file), problems).read(text)


def parse_statement(
    text: str, place: Place, unit: str = "", entity: str = "", description: str = ""
) -> list[Statement]:
    """The statements of one text without ``;`` at its end; ModelError for a syntax error."""
    text = " ".join(text.split())
    made = _parse(text, place)
    for statement in made:
        statement.text, statement.unit = text, unit
        statement.entity, statement.description = entity, description
    return made


class _Reader:
    def __init__(self, module: Module, problems: Problems) -> None:
        self.module, self.problems = module, problems
        self._open: list[str] = []  # lines of the statement that has no ; yet
        self._line = 0  # where it began
        self._reaction = ""  # participants of a reaction whose rate has not come yet
        self._function: tuple[str, str, int] | None = None

    def read(self, text: str) -> Module:
        text = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found[0]), text, flags=re.DOTALL)
        self.module.header = _header(text)
        last = 0
        for number, line in enumerate(text.splitlines(), start=1):
            code, _, comment = line.partition("//")
            if code.strip():
                before = len(self.module.statements)
                self._code(code, number, last)
                last = number
                self._annotate(self.module.statements[before:], comment)
        if self._function is not None:
            self._problem(self._function[2], f"the function '{self._function[0]}' has no 'end'.")
        elif self._pending:
            self._problem(last, f"';' is missing after '{self._shown}'.")
            self._finish()
        return self.module

    @property
    def _pending(self) -> bool:
        return bool(self._open or self._reaction)

    @property
    def _shown(self) -> str:
        return " ".join("; ".join(filter(None, [self._reaction, *self._open])).split())

    def _problem(self, line: int, message: str, suggestion: str = "") -> None:
        self.problems.add(Place(self.module.file, line), message, suggestion)

    def _code(self, code: str, number: int, last: int) -> None:
        if self._function is not None:
            self._function_line(code)
            return
        if self._pending:
            if self._open and _START.match(code):
                self._problem(last, f"';' is missing after '{self._shown}'.")
            elif self._open:
                self._problem(self._line, f"'{self._shown}' goes on over several lines; write it on one.")
            if _START.match(code):
                self._finish()
        function = None if self._pending else _FUNCTION.match(code)
        if function:
            self._function = (function[1], function[2], number)
            if function[3].strip():
                self._function_line(function[3])
            return
        *complete, rest = code.split(";")
        for piece in complete:
            if not self._pending:
                self._line = number
            self._open.append(piece.strip())
            if "->" in piece and not self._reaction:
                self._reaction, self._open = " ".join(self._open), []
            else:
                self._finish()
        if rest.strip():
            if not self._pending:
                self._line = number
            self._open.append(rest.strip())

    def _finish(self) -> None:
        text = " ".join(part for part in self._open if part)
        reaction, self._reaction, self._open = self._reaction, "", []
        whole = f"{reaction}; {text}" if reaction else text
        if not whole.strip():
            return
        place = Place(self.module.file, self._line)
        try:
            self.module.statements += parse_statement(whole, place)
        except ModelError as error:
            names = re.split(r":", whole)[0] if is_event(whole) else re.split(r"=|;|->", whole)[0]
            self._unreadable(place, "", error, names, whole)

    def _unreadable(self, place: Place, what: str, error: ModelError, names: str, whole: str) -> None:
        message, _, suggestion = str(error).partition(" Did you mean ")
        self.problems.add(place, what + message, f" Did you mean {suggestion}" if suggestion else "")
        self.module.unreadable.update(re.findall(_WORD, names))
        self.module.garbled.update(re.findall(_WORD, whole))

    def _annotate(self, statements: Sequence[Statement], comment: str) -> None:
        found = re.match(r"\s*@(\S+)\s*(.*)$", comment)
        for statement in statements:
            if found:
                statement.entity, statement.description = found[1], found[2].strip()
            else:
                statement.description = comment.strip()

    def _function_line(self, code: str) -> None:
        assert self._function is not None
        body, end = (
            (code, False)
            if not re.search(r"(^|[\s;])end\s*;?\s*$", code)
            else (re.sub(r"end\s*;?\s*$", "", code), True)
        )
        if body.strip():
            self._open.append(body.strip())
        if not end:
            return
        name, parameters, line = self._function
        text = " ".join(self._open).strip().rstrip(";").strip()
        self._function, self._open = None, []
        names = tuple(p.strip() for p in parameters.split(",") if p.strip())
        place = Place(self.module.file, line)
        try:
            body_node = parse_formula(text)
        except ModelError as error:
            self._unreadable(place, f"function '{name}': ", error, name, text)
            return
        strange = [n for n in body_node.names if n not in names]
        for unknown in strange:
            message = f"function '{name}' uses '{unknown}', which is not one of its arguments."
            self.problems.add(place, message, suggest(unknown, names))
        if strange:
            self.module.unreadable.add(name)
            return
        self.module.functions.append((Function(name, names, body_node), place))


def _header(text: str) -> str:
    """The comment at the top of the file."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.strip().startswith("//"):
            if lines or line.strip():
                break
            continue
        lines.append(line.strip().lstrip("/").strip())
    return "\n".join(lines)


def _parse(text: str, place: Place) -> list[Statement]:
    if is_event(text):
        return [parse_event(text, place)]
    reaction = _REACTION.match(text.partition(";")[0])
    if reaction:
        rate = text.partition(";")[2].strip()
        if not rate:
            raise ModelError(f"reaction '{reaction[1]}' has no rate; write '{reaction[1]}: a -> b; rate;'.")
        sides = [_side(side, reaction[1]) for side in (reaction[2], reaction[3])]
        return [Statement("reaction", reaction[1], place, "", _formula(rate), reactants=sides[0], products=sides[1])]
    species = _SPECIES.match(text)
    if species:
        made = []
        for item in species[2].split(","):
            found = _SPECIES_ITEM.match(item.strip())
            if not found:
                raise ModelError(f"'{item.strip()}' is no species; write 'species name in compartment;'.")
            made.append(
                Statement("species", found[1], place, "", compartment=found[2], substance_only=bool(species[1]))
            )
        return made
    if text.split()[0] == "compartment":
        names = [item.strip() for item in text.partition("compartment")[2].split(",")]
        for item in names:
            if not re.fullmatch(_WORD, item):
                raise ModelError(f"'{item}' is no compartment; write 'compartment name;'.")
        return [Statement("compartment", item, place, "") for item in names]
    assigned = _ASSIGNED.match(text)
    if assigned:
        kind = {":=": "rule", "=": "initial"}.get(assigned[2], "rate")
        return [Statement(kind, assigned[1], place, "", _formula(assigned[3]))]
    first = text.split()[0]
    raise ModelError(
        f"'{text:.60}' is no statement; expected 'compartment', 'species', 'name = ...', 'name := ...', "
        "\"name' = ...\", 'name: a -> b; rate', or 'name: at (condition): a = ...'."
        f"{suggest(first, _KEYWORDS) if first not in _KEYWORDS else ''}"
    )


def _formula(text: str) -> Node:
    if not text.strip():
        raise ModelError("the formula is missing.")
    return parse_formula(text)


def _side(text: str, reaction: str) -> tuple[tuple[float, str], ...]:
    made = []
    for item in text.split("+") if text.strip() else []:
        found = _PARTICIPANT.match(item.strip())
        if not found:
            raise ModelError(f"'{item.strip()}' in reaction '{reaction}' is no species; write for example '2 a + b'.")
        made.append((float(found[1] or 1), found[2]))
    return tuple(made)
