r"""LLaVA's train json: `conversations` of `human` and `gpt` turns, `image` unless there is none.

    [{"id": …, "image": "folder/a.jpg", "conversations": [{"from": "human", "value": "<image>\n…"},
                                                          {"from": "gpt", "value": "…"}]}, …]

CoIN, CVIT (SMoLoRA) and UCIT (HiDe-LLaVA) publish it. The human turn is the prompt, as published; without the
image marker and without its last line it is the question. The id is `id` or `question_id`, where both lack
the row's number from 1 on. Each pair of further turns is a sample of its own, `ID.2`, with the same picture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._json import Item, fields, rows
from cvit_bench.data.readers._row import Pictures, each, name_of, needed, text_of, without_instruction
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside

MARKER = "<image>"
_IDS = ("id", "question_id")


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the samples of a train file in file order."""
    pictures = Pictures(path, beside)

    def samples(pair: tuple[int, Item]) -> Iterator[Sample]:
        number, item = pair
        row, place = fields(path, item), f"{path}:{item.line}"
        name = name_of(place, row, *_IDS) if any(key in row for key in _IDS) else str(number)
        place = f"{place}: id {name}"
        picture = pictures.find(place, row["image"]) if row.get("image") is not None else None
        for at, (asked, said) in enumerate(_turns(place, row), start=1):
            prompt = _prompt(place, asked, picture is not None and at == 1)
            yield Sample(
                name if at == 1 else f"{name}.{at}",
                without_instruction(prompt),
                (text_of(place, "conversations: gpt: value", said),),
                picture=picture,
                prompt=prompt,
                place=f"{path}:{item.line}",
            )

    return each(enumerate(rows(path), start=1), samples, beside)


def _turns(place: str, row: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return the pairs of what is asked and what is said."""
    turns = needed(place, row, "conversations")
    is_list = isinstance(turns, list) and all(isinstance(turn, dict) for turn in turns)
    speakers = [turn.get("from") for turn in turns] if is_list else []
    if not speakers or len(speakers) % 2 or speakers != ["human", "gpt"] * (len(speakers) // 2):
        raise CvitBenchError(f"{place}: conversations: expected turns of human and gpt in turn")
    said = [turn.get("value") for turn in turns]
    return list(zip(said[::2], said[1::2], strict=True))


def _prompt(place: str, asked: Any, may_mark: bool) -> str:
    text = text_of(place, "conversations: human: value", asked)
    if text.count(MARKER) > may_mark:
        what = "one picture is read" if may_mark else "marks a picture, but the row names none"
        raise CvitBenchError(f"{place}: conversations: {MARKER}: {what}")
    return text_of(place, "conversations: human: value", text.replace(MARKER, "").strip())
