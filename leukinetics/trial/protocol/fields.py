"""The kinds of fields that a protocol has: durations in days, amounts, criteria; and what all its tables share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from leukinetics.errors import LeukineticsError, suggest
from leukinetics.patients.criteria import Bound, parse_criterion
from leukinetics.trial.amounts import Amount, parse_amount
from leukinetics.trial.times import clock_time, days


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("it must not be negative.")
    return value


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError("it must be longer than nothing.")
    return value


def _criterion(value: Any) -> list[Bound]:
    try:
        return parse_criterion(value, "it")
    except LeukineticsError as error:
        raise ValueError(str(error)) from error


Moment = Annotated[float, BeforeValidator(days), AfterValidator(_not_negative)]
Span = Annotated[float, BeforeValidator(days), AfterValidator(_above_zero)]
Clock = Annotated[float, BeforeValidator(clock_time)]
Quantity = Annotated[Amount, BeforeValidator(parse_amount)]
Criterion = Annotated[list[Bound], BeforeValidator(_criterion)]
Name = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Part(BaseModel):
    """A table of a protocol: an unknown key is refused with the nearest known one."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or cls.model_config.get("extra") == "allow":
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known and key not in cls.model_fields:
                raise ValueError(f"unknown key '{key}'; known are {', '.join(known)}.{suggest(str(key), known)}")
        return data
