"""Answers taken over from other runs: what has the same key is the same answer.

Runs of several methods start from one base and may share further checkpoints; each of those need be answered
only once. A key is a hash of weights, image, prompt and settings, so that nothing else is ever taken. An
answer brings the ranking along that lies beside it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.blanks import Keys
from cvit_bench.evaluate.cells import CellWork, Missing, last_words, tidy
from cvit_bench.evaluate.ranking import BlankWork
from cvit_bench.progress import say
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.manifest import load_manifest
from cvit_bench.records.prediction import Prediction, append_predictions
from cvit_bench.records.ranking import BlankRankings


def check_runs(others: Sequence[Path]) -> None:
    """Raise CvitBenchError where there is no run to take answers from."""
    for other in others:
        load_manifest(other)


def take_answers(run_dir: Path, other: Path, cells: Iterable[tuple[CellWork, Missing]]) -> int:
    """Append the answers that cells lack and another run's cells of the same name have; return how many."""
    count = 0
    for work, missing in cells:
        found = _taken(work, other / work.path.relative_to(run_dir)) if missing.answers else []
        if found:
            tidy(work)
            append_predictions(work.path, found)
            count += len(found)
    return count


def _taken(work: CellWork, path: Path) -> list[Prediction]:
    """Return the answers in another file that a cell lacks."""
    ours, theirs = last_words(work.path), last_words(path)
    lacking = [row for row in work.rows() if row.known(ours.get(row.prompt.sample_id)).lacks_answer]
    same = [(row, theirs.get(row.prompt.sample_id)) for row in lacking]
    return [one for row, one in same if one is not None and not row.known(one).lacks_answer]


def take_blanks(run_dir: Path, other: Path, blanks: Iterable[tuple[BlankWork, Keys]]) -> None:
    """Take over whole files of rankings on a blank picture, where none is there yet."""
    for work, missing in blanks:
        theirs = other / work.path.relative_to(run_dir)
        if work.path.exists() or not theirs.exists():
            continue
        try:
            found = load_json(theirs, BlankRankings)
        except CvitBenchError as error:
            say(f"{error}; it is not taken over")
            continue
        if missing == {item.ranking.key for item in found.rankings}:
            save_json(work.path, found)
