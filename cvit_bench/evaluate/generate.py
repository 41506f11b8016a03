"""Fill cells with answers and rankings: append batch by batch, never take an error for an answer.

The cells of one task go together, sample by sample: a model may read once what all wordings of a sample begin
with, and rank behind what it read to answer. Batches are cut from whole cells before anything is reused, so
that an interrupted cell is completed with the very batches an undisturbed one would have had.
"""

from collections.abc import Mapping, Sequence

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.asking import Reply, Tell, answered, ranked, replies
from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.evaluate.cells import CellWork, Known, Missing, Row, cut_batches, leave_last, tidy
from cvit_bench.evaluate.lookahead import one_ahead
from cvit_bench.models.family import Model
from cvit_bench.progress import Meter
from cvit_bench.records.prediction import Prediction, append_predictions
from cvit_bench.records.ranking import Ranking
from cvit_bench.text import first_line


def fill_cells(
    cells: Sequence[tuple[CellWork, Missing]], model: Model, size: BatchSize, meter: Meter
) -> list[str]:
    """Make what cells of one task lack; return one complaint for each prompt that failed.

    Cells that lack rankings alone go apart: nothing is answered again for their sake.
    """
    parts = [[work for work, missing in cells if bool(missing.answers) == lack] for lack in (True, False)]
    return [failure for part in parts for failure in _fill(part, model, size, meter)]


def _fill(cells: Sequence[CellWork], model: Model, size: BatchSize, meter: Meter) -> list[str]:
    there = [tidy(work) for work in cells]
    size.begin()
    failures: list[str] = []
    batches = (_known(batch, there) for batch in cut_batches(cells, size))
    lacking = (batch for batch in batches if any(one.is_lacking for one in batch))
    for batch in one_ahead(lacking, lambda batch: model.prepare([one.row.prompt for one in batch])):
        with size.timing(len(batch)):
            replied = _asked(model, batch, size.too_many)
        found = zip(batch, replied, strict=True)
        made = [(one, one.after(reply)) for one, reply in found if one.is_lacking]
        failures += _append(cells, made)
        meter.advance(len(made))
    for work in cells:
        leave_last(work)
    return failures


def _known(batch: Sequence[Row], there: Sequence[Mapping[str, Prediction]]) -> list[Known]:
    return [row.known(there[row.cell].get(row.prompt.sample_id)) for row in batch]


def _asked(model: Model, known: Sequence[Known], tell: Tell) -> list[Reply]:
    """Ask about a whole batch what some of it lacks: answers, rankings or both."""
    prompts, asks = [one.row.prompt for one in known], [one.row.ask for one in known]
    if not any(one.lacks_ranking for one in known):
        return [Reply(text=text) for text in answered(model, prompts, tell)]
    if any(one.lacks_answer for one in known):
        return replies(model, prompts, asks, tell)
    found = iter(ranked(model, [ask for ask in asks if ask is not None], tell))
    return [Reply(ranking=next(found) if ask is not None else None) for ask in asks]


def _append(cells: Sequence[CellWork], made: Sequence[tuple[Known, Reply]]) -> list[str]:
    """Write a batch into the files of its cells; return a complaint for each prompt that failed.

    An answer that was there and could not be ranked stays as it was.
    """
    for at in dict.fromkeys(one.row.cell for one, _ in made):
        mine = [
            _prediction(one.row, reply)
            for one, reply in made
            if one.row.cell == at and (one.lacks_answer or isinstance(reply.ranking, Ranking))
        ]
        append_predictions(cells[at].path, mine)
    found = [(one.row, _complaint(reply)) for one, reply in made]
    return [f"{cells[row.cell].path}: {row.prompt.sample_id}: {why}" for row, why in found if why is not None]


def _prediction(row: Row, reply: Reply) -> Prediction:
    failed = isinstance(reply.text, Exception)
    return Prediction(
        id=row.prompt.sample_id,
        key=row.key,
        prompt=row.prompt.text,
        text=None if isinstance(reply.text, Exception) else reply.text,
        error=_complaint(reply) if failed else None,
        ranking=reply.ranking if isinstance(reply.ranking, Ranking) and not failed else None,
    )


def _complaint(reply: Reply) -> str | None:
    """Say what went wrong with a prompt, None where nothing did."""
    if isinstance(reply.text, Exception):
        kind = "" if isinstance(reply.text, CvitBenchError) else f"{type(reply.text).__name__}: "
        return f"{kind}{first_line(reply.text)}"
    return f"ranking: {first_line(reply.ranking)}" if isinstance(reply.ranking, Exception) else None
