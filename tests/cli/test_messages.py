"""Wrong options in words."""

from __future__ import annotations

import io
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from rich.console import Console

from openmm_genmd.cli.messages import explain_validation, print_error


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even")
    return value


class Part(BaseModel):
    seed: int = Field(default=0, ge=0)
    hidden_features: tuple[int, ...] = (8,)
    pairs: Annotated[int, AfterValidator(_even)] = 2


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    seed: int = Field(default=0, ge=0)
    part: Part = Part()
    time_step_fs: float = Field(default=2.0, gt=0)

    @model_validator(mode="after")
    def _known(self) -> Settings:
        if self.name == "nobody":
            raise ValueError("nobody is no name")
        return self


def error_of(**values: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"name": "x"} | values)
    return caught.value


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"time_step_fs": 0}, "--time-step-fs should be greater than 0, got 0"),
        (
            {"part": {"hidden_features": ["8", "x"]}},
            "--hidden should be a valid integer, unable to parse string as an integer, got 'x'",
        ),
        ({"part": {"pairs": 3}}, "--pairs must be even, got 3"),
        ({"frame_every": 3}, "--frame-every is unknown"),
        ({"name": "nobody"}, "nobody is no name"),
    ],
)
def test_a_wrong_option(values, expected):
    assert explain_validation(error_of(**values)) == expected


def test_a_missing_option():
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({})
    assert explain_validation(caught.value) == "--name is required"


def test_each_wrong_option_has_one_line():
    error = error_of(seed=-1, part={"seed": -1}, time_step_fs=-2.0)
    assert explain_validation(error).splitlines() == [
        "--seed should be greater than or equal to 0, got -1",
        "--time-step-fs should be greater than 0, got -2.0",
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (error_of(seed=-1), "genmd x: --seed should be greater than or equal to 0, got -1\n"),
        (OSError("no file data[red]/a.dcd"), "genmd x: no file data[red]/a.dcd\n"),
    ],
)
def test_printed_error(error, expected):
    file = io.StringIO()
    print_error(Console(file=file), "genmd x", error)
    assert file.getvalue() == expected
