"""A question file and the file with its references become one; ids that are not asked are left out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from cvit_bench import plugins
from cvit_bench.data.split_files import SplitFiles
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import read_text
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import Beside, References

_SHOWN = 5


def joined(files: SplitFiles, beside: Beside) -> Iterator[Sample]:
    """Read a split: its file, its references if they stand in another, and only the ids that are asked.

    A sample without any reference goes to `beside.refuse`.
    """
    found: Iterable[Sample] = plugins.load(plugins.READERS, files.reader).read(files.file, beside)
    if files.references is not None:
        found = _with_references(files, files.references, found, beside)
    if files.ids is not None:
        found = _asked(files, files.ids, found, beside)
    for sample in found:
        if sample.answers:
            yield sample
        else:
            beside.refuse(CvitBenchError(f"{sample.place}: id {sample.id}: answer: there is none"))


def told_apart(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Number the samples that have the id of an earlier one: `a`, `a#2`, `a#3`."""
    seen: Counter[str] = Counter()
    for sample in samples:
        seen[sample.id] += 1
        number = seen[sample.id]
        yield sample if number == 1 else replace(sample, id=f"{sample.id}#{number}")


def _asked(files: SplitFiles, path: Path, samples: Iterable[Sample], beside: Beside) -> Iterator[Sample]:
    """Yield the samples whose ids stand in a file; those of a train file are told apart first."""
    asked = _ids(path)
    left = set(asked)
    for sample in told_apart(samples) if files.name == "train" else samples:
        if sample.id in asked:
            left.discard(sample.id)
            yield sample
    if left:
        lacking = ", ".join(sorted(left)[:_SHOWN])
        beside.refuse(CvitBenchError(f"{path}: {len(left)} ids are not in {files.file}: {lacking}"))


def _with_references(
    files: SplitFiles, path: Path, questions: Iterable[Sample], beside: Beside
) -> Iterator[Sample]:
    how = files.split.references
    assert how is not None
    reader = plugins.load(plugins.READERS, how.reader)
    references = {_key(how, sample): sample for sample in reader.read(path, files.beside_references)}
    for question in questions:
        reference = references.get(_key(how, question))
        if reference is None:
            what = f"answer: {path} has none for {how.by} {_key(how, question)!r}"
            beside.refuse(CvitBenchError(f"{question.place}: id {question.id}: {what}"))
            continue
        yield replace(
            question,
            question=reference.question if how.question else question.question,
            answers=reference.answers,
            choices=reference.choices,
        )


def _key(how: References, sample: Sample) -> str:
    if how.by == "id":
        return sample.id
    return PurePath(sample.picture.place).name if sample.picture is not None else ""


def _ids(path: Path) -> frozenset[str]:
    return frozenset(line for line in read_text(path).split("\n") if line)
