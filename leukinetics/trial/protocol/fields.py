"""The kinds of fields that a protocol has: durations in days, amounts, criteria; and what all its tables share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from leukinetics.errors import LeukineticsError
from leukinetics.patients.criteria import Bound, parse_criterion
from leukinetics.trial.amounts import Amount, parse_amount
from leukinetics.trial.times import clock_time, days


def _not_negative(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("it is too long.")
    if value < 0:
        raise ValueError("it must not be negative.")
    return value


def _above_zero(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("it is too long.")
    if value <= 0:
        raise ValueError("it must be longer than nothing.")
    return value


def _criterion(value: Any) -> list[Bound]:
    try:
        return parse_criterion(value, "it")
    except LeukineticsError as error:
        raise ValueError(str(error)) from error


#: The type of a problem of :meth:`Part.problems` among those of pydantic; its context has ``text`` and ``key``.
UNFIT = "unfit"
#: In the context of a validation: keys are looked at one by one only, so that the rest of a table can be checked.
APART = "apart"

Moment = Annotated[float, BeforeValidator(days), AfterValidator(_not_negative)]
Span = Annotated[float, BeforeValidator(days), AfterValidator(_above_zero)]
Clock = Annotated[float, BeforeValidator(clock_time)]
Quantity = Annotated[Amount, BeforeValidator(parse_amount)]
Criterion = Annotated[list[Bound], BeforeValidator(_criterion)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(max_length=20_000)]
Count = Annotated[int, Field(ge=1, le=100_000_000, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Between = Annotated[float, Field(gt=0, lt=1, strict=True)]
Truth = Annotated[bool, Field(strict=True)]


class Part(BaseModel):
    """A table of a protocol: unknown keys are refused, and :meth:`problems` says which keys do not go together."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    def problems(self) -> Iterator[tuple[str, str]]:
        """(key, sentence) for all that is wrong with keys which are right on their own."""
        yield from ()

    @model_validator(mode="after")
    def _goes_together(self, info: ValidationInfo) -> Self:
        if info.context is not None and info.context.get(APART):
            return self
        found = [
            InitErrorDetails(type=PydanticCustomError(UNFIT, "{text}", {"text": text, "key": key}), loc=(), input=None)
            for key, text in self.problems()
        ]
        if found:
            raise ValidationError.from_exception_data(type(self).__name__, found)
        return self

    @classmethod
    def known_keys(cls) -> list[str]:
        """The keys that the table may have, as a file writes them."""
        return [field.alias or name for name, field in cls.model_fields.items()]
