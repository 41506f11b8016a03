"""What `data prepare` leaves: the samples of a split as one memory-mapped Arrow file, made once.

It lies at `<data root>/.cvit-bench/<task>-<split>-<key>.arrow`. The key is a hash of the content of every
file that the split is read from and of what the task says about them, so that a changed file is read anew,
never an old copy. Pictures that are files stay where they are; pictures inside a table go along and are read
when asked.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.split_files import SplitFiles
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import replacing, sha256_json
from cvit_bench.records.sample import Picture, Sample

FOLDER = ".cvit-bench"
_VERSION = 1
_KEY = 16
_BATCH = 1000


def prepared_path(files: SplitFiles) -> Path:
    """Return where the converted split lies; the files it is made from must be there."""
    about = files.split.model_dump(mode="json", exclude={"sha256", "count", "hub"})
    key = sha256_json([_VERSION, files.reader, files.task.instructions, about, files.hashes()])[:_KEY]
    return files.root / FOLDER / f"{files.task.name}-{files.name}-{key}.arrow"


def open_prepared(files: SplitFiles) -> Iterator[Sample] | None:
    """Return the samples of a converted split, read as they are asked for; None where there is none."""
    if not (files.root / FOLDER).is_dir():
        return None
    path = prepared_path(files)
    return _samples(path, files) if path.is_file() else None


def count_prepared(path: Path) -> int:
    """Return how many samples a converted split holds."""
    return len(_opened(path))


def save_prepared(files: SplitFiles, samples: Iterable[Sample]) -> tuple[Path, int]:
    """Write a split's samples; return the file and how many there are."""
    from datasets.arrow_writer import ArrowWriter

    path, count = prepared_path(files), 0
    with (
        replacing(path) as temporary,
        ArrowWriter(path=str(temporary), features=_features()) as writer,
    ):
        for sample in samples:
            writer.write(_row(files, sample))
            count += 1
        writer.finalize()
    return path, count


def _features() -> Any:
    from datasets import Features, List, Value

    text, texts = Value("string"), List(Value("string"))
    return Features(
        id=text, question=text, answers=texts, choices=texts, prompt=text, place=text,
        picture=text, data=Value("binary"),
    )  # fmt: skip


def _row(files: SplitFiles, sample: Sample) -> dict[str, Any]:
    picture = sample.picture
    is_file = picture is not None and picture.data is None and picture.fetch is None
    place = None if picture is None else picture.place
    return {
        "id": sample.id,
        "question": sample.question,
        "answers": list(sample.answers),
        "choices": list(sample.choices),
        "prompt": sample.prompt,
        "place": sample.place,
        "picture": str(Path(str(place)).relative_to(files.root)) if is_file else place,
        "data": None if picture is None or is_file else picture.read(),
    }


def _samples(path: Path, files: SplitFiles) -> Iterator[Sample]:
    table = _opened(path)
    show = _Shown(table, files)
    for first in range(0, len(table), _BATCH):
        batch = table[first : first + _BATCH]
        inside = batch["data"].is_valid().to_pylist()
        for at, row in enumerate(batch.drop_columns(["data"]).to_pylist()):
            picture = show.picture(row["picture"], first + at if inside[at] else None)
            yield Sample(
                row["id"], row["question"], tuple(row["answers"]), tuple(row["choices"]),
                picture, row["prompt"], row["place"],
            )  # fmt: skip


def _opened(path: Path) -> Any:
    """Map the file into memory, as Arrow tables."""
    import pyarrow as pa
    from datasets import Dataset

    try:
        return Dataset.from_file(str(path)).with_format("arrow")
    except (pa.ArrowException, OSError) as error:
        raise CvitBenchError(
            f"{path}: cannot be read ({error}); `cvit-bench data prepare` makes it anew"
        ) from error


class _Shown:
    """The pictures of a table, each file made once; those inside it are read when they are asked for."""

    def __init__(self, table: Any, files: SplitFiles) -> None:
        self._table, self._root, self._fit = table, files.root, files.beside.fit
        self._found: dict[str, Picture] = {}

    def picture(self, place: str | None, row: int | None) -> Picture | None:
        """Return the picture at a place: a file, or the bytes of a row."""
        if place is None:
            return None
        if row is not None:
            return Picture(place, fit=self._fit, fetch=lambda: self._data(row))
        if place not in self._found:
            self._found[place] = Picture(str(self._root / place), fit=self._fit)
        return self._found[place]

    def _data(self, row: int) -> bytes:
        found: bytes = self._table[row : row + 1]["data"][0].as_py()
        return found
