"""VQAv2's official files: questions, and annotations with ten answers beside them.

    v2_OpenEnded_mscoco_val2014_questions.json  {"data_subtype": "val2014", "questions": [
                                                    {"question_id": 1, "image_id": 42, "question": …}, …]}
    v2_mscoco_val2014_annotations.json          {"annotations": [{"question_id": 1, "answers": [
                                                    {"answer": "yes", "answer_confidence": …, "answer_id": 1},
                                                    …],
                                                    "multiple_choice_answer": "yes", …}, …]}

Pictures are `COCO_<subtype>_<image id, 12 digits>.jpg`. Without annotations (the test files) there is no
answer.
"""

from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._json import Item, fields, items
from cvit_bench.data.readers._row import Pictures, answers_of, each, name_of, needed, text_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the questions in file order, each with its ten answers."""
    pictures = Pictures(path, beside)
    answers = dict(_answers(beside.annotations)) if beside.annotations is not None else None
    subtype = _subtype(path, beside)

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}"
        name = name_of(place, row, "question_id")
        place = f"{place}: id {name}"
        image = needed(place, row, "image_id")
        if not isinstance(image, int) or isinstance(image, bool):
            raise CvitBenchError(f"{place}: image_id: expected a whole number (got {image!r})")
        if answers is not None and name not in answers:
            raise CvitBenchError(f"{place}: {beside.annotations} has no answers to it")
        yield Sample(
            name,
            text_of(place, "question", needed(place, row, "question")),
            answers[name] if answers is not None else (),
            picture=pictures.first(place, (f"COCO_{subtype}_{image:012d}.jpg", f"{image:012d}.jpg")),
            place=f"{path}:{item.line}",
        )

    return each(items(path, "questions"), samples, beside)


def _subtype(path: Path, beside: Beside) -> str:
    if beside.part is not None:
        return beside.part
    found = next((item.value for item in items(path) if item.key == "data_subtype"), None)
    if not isinstance(found, str):
        raise CvitBenchError(f"{path}: data_subtype: this key is required")
    return found


def _answers(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for item in items(path, "annotations"):
        row, place = fields(path, item), f"{path}:{item.line}"
        name = name_of(place, row, "question_id")
        yield name, answers_of(f"{place}: id {name}", needed(place, row, "answers"))
