"""ScienceQA's own files: `problems.json`, and `pid_splits.json` beside it where one part is asked.

    problems.json    {"1": {"question": …, "choices": [...], "answer": 0, "hint": …,
                            "image": "image.png" or null, "split": "train", …}, …}
    pid_splits.json  {"train": ["1", …], "val": [...], "test": [...], …}

Without a part all problems are read. Pictures lie at `<part>/<id>/<image>`, as the data is published. The
hint is part of the question; the answer is the letter of the option.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._json import fields, items
from cvit_bench.data.readers._row import Pictures, each, letter_of, needed, text_of, texts_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.split import ALONE, Beside
from cvit_bench.text import known

SPLITS = "pid_splits.json"


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the problems of one part in the order of the splits' file, or all of them in file order."""
    pictures = Pictures(path, beside)
    problems = {item.key: item for item in items(path)}
    wanted = list(problems) if beside.part is None else _part(path, beside)

    def samples(name: str) -> Iterator[Sample]:
        if name not in problems:
            raise CvitBenchError(f"{path}: {name}: {SPLITS} names this problem, but it is not there")
        item = problems[name]
        row, place = fields(path, item), f"{path}:{item.line}: id {name}"
        choices = texts_of(place, "choices", needed(place, row, "choices"))
        yield Sample(
            name,
            _question(place, row),
            (letter_of(place, "answer", needed(place, row, "answer"), len(choices)),),
            choices,
            _picture(place, row, name, pictures),
            place=f"{path}:{item.line}",
        )

    return each(wanted, samples, beside)


def _part(path: Path, beside: Beside) -> list[str]:
    splits = beside.annotations or path.with_name(SPLITS)
    parts = {item.key: item.value for item in items(splits)}
    names = parts.get(str(beside.part))
    if not isinstance(names, list):
        raise CvitBenchError(f"{splits}: holds no part {beside.part!r} (known: {known(parts)})")
    return [str(name) for name in names]


def _question(place: str, row: dict[str, Any]) -> str:
    question = text_of(place, "question", needed(place, row, "question"))
    hint = row.get("hint")
    return f"{hint.strip()}\n{question}" if isinstance(hint, str) and hint.strip() else question


def _picture(place: str, row: dict[str, Any], name: str, pictures: Pictures) -> Picture | None:
    image = row.get("image")
    return pictures.find(place, f"{needed(place, row, 'split')}/{name}/{image}") if image else None
