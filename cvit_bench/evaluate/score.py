"""From predictions to scores, matrices and metrics; needs no model and no torch."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.flip_file import write_flips
from cvit_bench.evaluate.inputs import RunInputs, open_planned
from cvit_bench.evaluate.item_files import write_items
from cvit_bench.evaluate.joining import joined, joined_answers
from cvit_bench.evaluate.origins import Origins
from cvit_bench.evaluate.outcomes import histories
from cvit_bench.evaluate.ranked import Ranked
from cvit_bench.evaluate.references import Reference, open_references
from cvit_bench.evaluate.released import released_fields
from cvit_bench.evaluate.results import make_results, table_of
from cvit_bench.evaluate.score_files import Write, score_file
from cvit_bench.evaluate.table import ScoredCell, scored_cell
from cvit_bench.evaluate.typed import score_typed
from cvit_bench.records.asked_form import AskedForm, asked_form_kept
from cvit_bench.records.choices import Resample, SplitChoice
from cvit_bench.records.files import replacing
from cvit_bench.records.load import save_json
from cvit_bench.records.plan import IMPORTED, EvaluationPlan, PlannedCell, cell_path, scores_path, typed_path
from cvit_bench.records.prediction import Prediction
from cvit_bench.records.results import Results, results_path
from cvit_bench.records.sample import Score
from cvit_bench.records.task import Task


@dataclass(frozen=True)
class _Judged:
    """A run whose cells are scored: what its rankings say, and whether its answers are its own."""

    ranked: Ranked
    origins: Origins


def rescore(
    run_dir: Path,
    data_root: Path | None = None,
    split: SplitChoice = SplitChoice.TEST,
    references: Sequence[Path] = (),
    resample: Resample = Resample.IMAGES,
) -> Results:
    """Score a run again from its predictions and write its results."""
    if split is SplitChoice.TEST and typed_path(run_dir).exists():
        if references:
            raise CvitBenchError(
                f"--reference {references[0]}: {typed_path(run_dir)} holds scores without samples, and only "
                "samples can be measured against another run's"
            )
        return score_typed(run_dir, data_root)
    return score_run(*open_planned(run_dir, data_root, split), references, resample)


def score_run(
    inputs: RunInputs,
    plan: EvaluationPlan,
    references: Sequence[Path] = (),
    resample: Resample = Resample.IMAGES,
) -> Results:
    """Score all planned cells, write scores and results, return the results.

    One cell is in memory at a time, but for its scores; the score files appear together, when all are whole.
    Task by task, so that a wording is put together once for all stages.
    """
    others = [(one, _score_reference(one)) for one in open_references(inputs, plan, references)]
    places: dict[tuple[str, str], list[PlannedCell]] = {}
    for cell in plan.cells:
        places.setdefault((cell.stage, cell.task), []).append(cell)
    judged = _Judged(Ranked(inputs), Origins(inputs, plan))
    with ExitStack() as files:
        in_turn = [places[place] for place in sorted(places, key=lambda place: place[1])]
        found = {cell.cell: cell for place in in_turn for cell in _score_place(judged, place, files)}
    cells = [found[cell] for cell in plan.cells]
    table = table_of(inputs, plan, cells, others)
    results = make_results(table, cells, [reference for reference, _ in others], resample)
    write_items(table)
    write_flips(inputs, plan, histories(table))
    save_json(results_path(inputs.run_dir, inputs.split), results)
    return results


def _score_reference(reference: Reference) -> list[ScoredCell]:
    """Score the cells of a run to measure against; nothing is written."""
    judged = _Judged(Ranked(reference.inputs), Origins(reference.inputs, reference.plan))
    return [_score_cell(judged, cell, lambda *_: None) for cell in reference.cells]


def _score_place(judged: _Judged, cells: Sequence[PlannedCell], files: ExitStack) -> list[ScoredCell]:
    """Score all variants of one task at one stage into one file."""
    inputs = judged.ranked.inputs
    path = scores_path(inputs.run_dir, cells[0].stage, cells[0].task, inputs.split)
    with score_file(files.enter_context(replacing(path))) as write:
        return [_score_cell(judged, cell, write) for cell in cells]


def _score_cell(judged: _Judged, cell: PlannedCell, write: Write) -> ScoredCell:
    ranked, inputs = judged.ranked, judged.ranked.inputs
    found = _answered(judged.origins, cell)
    texts = {name: str(prediction.text) for name, prediction in found.items()}
    samples = inputs.asked(cell.task, cell.variant)
    answers = [texts[sample.id] for sample in samples]
    scores = _scores(inputs, inputs.task(cell.task), texts)
    asked, released = inputs.variant(cell.task, cell.variant).asks, {}
    if asked is None:
        released = released_fields(inputs.task(cell.task), list(zip(samples, answers, strict=True)))
    else:
        letters = inputs.task(cell.task).form.letters
        scores = [under_asked_form(asked, letters, *pair) for pair in zip(scores, answers, strict=True)]
    rankings = {name: prediction.ranking for name, prediction in found.items()}
    strict = np.array([score.strict for score in scores], np.float64)
    beside = {**released, **ranked.fields(cell, samples, strict, rankings)}
    write(cell.variant, samples, answers, scores, beside)
    return scored_cell(cell, samples, scores, beside)


def _answered(origins: Origins, cell: PlannedCell) -> dict[str, Prediction]:
    inputs = origins.inputs
    path = cell_path(inputs.run_dir, cell, inputs.split)
    if cell.variant == IMPORTED:
        return joined(path, {sample.id: None for sample in inputs.samples(cell.task)})
    found = joined_answers(path, inputs.prompts(cell.task, cell.variant))
    origins.check(cell, path, found)
    return found


def _scores(inputs: RunInputs, task: Task, texts: Mapping[str, str]) -> list[Score]:
    """Return the scores of the samples that were asked, in sample order.

    Scorers that weigh words by a corpus (CIDEr) are given every sample of the task, so that the corpus is the
    same whatever part of it a wording was asked about; the others stay unanswered.
    """
    samples = inputs.samples(task.name)
    scorer = plugins.load(plugins.SCORERS, task.scorer)
    scores = scorer.score(task, [(sample, texts.get(sample.id, "")) for sample in samples])
    return [score for sample, score in zip(samples, scores, strict=True) if sample.id in texts]


def under_asked_form(asked: AskedForm, letters: str, score: Score, answer: str) -> Score:
    """Return a score under the form that a form-change variant asks for: F by that form, K as is, S = K·F."""
    form = asked_form_kept(asked, letters, answer)
    return replace(score, strict=score.knowledge if form else 0.0, form=form)
