"""What the row-like formats share: a checked row becomes a sample."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record
from cvit_bench.records.load import problems
from cvit_bench.records.sample import Picture, Sample

Answer = Annotated[str, StringConstraints(pattern=r"\S")]


class Row(Record):
    """The text fields of a sample as they stand in a file."""

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answers: tuple[Answer, ...] = Field(min_length=1)
    choices: tuple[str, ...] | None = None


def sample_of_row(place: str, row: dict[str, Any], picture: Picture | None) -> Sample:
    """Check a row's fields and make the sample; `place` names file and row in messages."""
    try:
        checked = Row.model_validate(row)
    except ValidationError as error:
        raise CvitBenchError("\n".join(problems(place, error, Row, {}))) from error
    return Sample(checked.id, checked.question, checked.answers, checked.choices or (), picture)
