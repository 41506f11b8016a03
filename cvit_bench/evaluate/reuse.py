"""Answers taken over from other runs: what has the same key is the same answer.

Runs of several methods start from one base and may share further checkpoints; each of those need be answered
only once. A key is a hash of weights, image, prompt and settings, so that nothing else is ever taken. An
answer brings the ranking along that lies beside it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.generate import CellWork, tidy
from cvit_bench.evaluate.rank import Keys
from cvit_bench.evaluate.ranking import RankWork
from cvit_bench.progress import say
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.manifest import load_manifest
from cvit_bench.records.prediction import append_predictions, read_predictions
from cvit_bench.records.ranking import BlankRankings


def check_runs(others: Sequence[Path]) -> None:
    """Raise CvitBenchError where there is no run to take answers from."""
    for other in others:
        load_manifest(other)


def take_answers(run_dir: Path, other: Path, cells: Iterable[tuple[CellWork, set[str]]]) -> int:
    """Append the answers that cells lack and another run's cells of the same name have; return how many."""
    count = 0
    for work, missing in cells:
        wanted = work.wanted()
        theirs = read_predictions(other / work.path.relative_to(run_dir)).predictions
        same = {one.id: one for one in theirs if one.error is None and wanted.get(one.id) == one.key}
        found = [same[name] for name in wanted if name in missing and name in same]
        if found:
            tidy(work)
            append_predictions(work.path, found)
            count += len(found)
    return count


def take_blanks(run_dir: Path, other: Path, rankings: Iterable[tuple[RankWork, Keys]]) -> None:
    """Take over whole files of rankings on a blank picture, where none is there yet."""
    for work, missing in rankings:
        theirs = other / work.path.relative_to(run_dir)
        if not work.is_blank or work.path.exists() or not theirs.exists():
            continue
        try:
            found = load_json(theirs, BlankRankings)
        except CvitBenchError as error:
            say(f"{error}; it is not taken over")
            continue
        if missing == {item.ranking.key for item in found.rankings}:
            save_json(work.path, found)
