"""A suite's few-shot tasks are unseen ones, asked after rising numbers of samples."""

from typing import Any

import pytest
from pydantic import ValidationError

from cvit_bench.records.suite import Suite

GIVEN: dict[str, Any] = {
    "schema_version": 1,
    "name": "small",
    "version": 1,
    "title": "Small",
    "description": "Two tasks.",
    "train": ["one"],
    "unseen": ["two"],
    "base": "embedded:mini",
}


def test_few_shot_is_kept_in_order() -> None:
    assert Suite.model_validate({**GIVEN, "few_shot": {"two": [5, 10]}}).few_shot == {"two": (5, 10)}
    assert Suite.model_validate(GIVEN).few_shot == {}


@pytest.mark.parametrize(
    ("few_shot", "said"),
    [
        ({"one": [5]}, "'one' is no unseen task (known: two)"),
        ({"two": [10, 5]}, "two: sample counts must rise, without repeats: [10, 5]"),
        ({"two": [5, 5]}, "must rise"),
        ({"two": []}, "must rise"),
        ({"two": [0]}, "greater than or equal to 1"),
    ],
)
def test_bad_few_shot_is_refused(few_shot: dict[str, list[int]], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Suite.model_validate({**GIVEN, "few_shot": few_shot})
    assert said in str(caught.value)
