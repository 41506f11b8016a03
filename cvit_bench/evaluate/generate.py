"""Answer the prompts of cells: reuse by key, append batch by batch, never take an error for an answer.

The cells of one task go together, sample by sample: a model may read once what all wordings of a sample begin
with. Batches are cut from whole cells before anything is reused, so that an interrupted cell is completed
with the very batches an undisturbed one would have had.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.lookahead import one_ahead
from cvit_bench.models.family import Model, OutOfMemoryError
from cvit_bench.progress import Meter, say
from cvit_bench.records.files import sha256_json, write_text
from cvit_bench.records.prediction import Prediction, append_predictions, read_predictions
from cvit_bench.records.sample import Prompt
from cvit_bench.text import first_line


@dataclass(frozen=True)
class CellWork:
    """One cell's prompts with their keys, and where its predictions lie."""

    path: Path
    prompts: Sequence[Prompt]
    keys: Sequence[str]

    def wanted(self) -> dict[str, str]:
        """Return the key of every sample id."""
        return {prompt.sample_id: key for prompt, key in zip(self.prompts, self.keys, strict=True)}


def prediction_key(weights: str, prompt: Prompt, settings: dict[str, object]) -> str:
    """Return the key under which an answer may be used again: weights, image bytes, wording, settings.

    `weights` is the hash of base and adapter, the base's chat template and tokenizer among them: with the
    text they make the rendered prompt. Where a method routes by instruction, `settings` hold what it is told.
    """
    image = prompt.picture.sha256 if prompt.picture is not None else None
    return sha256_json([weights, image, prompt.text, prompt.max_new_tokens, settings])


def missing_prompts(work: CellWork) -> set[str]:
    """Return the sample ids that have no answer under their key; nothing is written."""
    wanted = work.wanted()
    file = read_predictions(work.path)
    return set(wanted) - {p.id for p in file.predictions if _is_good(p, wanted)}


def tidy(work: CellWork) -> None:
    """Drop damaged, failed and stale lines from a cell's file; answers of other samples stay."""
    wanted = work.wanted()
    file = read_predictions(work.path)
    for complaint in file.damaged:
        say(f"{complaint}; this answer is generated again")
    kept = {p.id: p for p in file.predictions if _is_good(p, wanted) or p.id not in wanted}
    if file.damaged or len(kept) != len(file.predictions):
        write_text(work.path, "".join(p.model_dump_json() + "\n" for p in kept.values()))


def _is_good(prediction: Prediction, wanted: dict[str, str]) -> bool:
    return prediction.error is None and wanted.get(prediction.id) == prediction.key


@dataclass(frozen=True)
class Row:
    """A prompt of a batch: which cell it belongs to, and its key."""

    cell: int
    prompt: Prompt
    key: str


def fill_cells(
    cells: Sequence[tuple[CellWork, set[str]]], model: Model, batch_size: int, meter: Meter
) -> list[str]:
    """Answer what cells of one task lack; return one complaint for each prompt that failed."""
    for work, _ in cells:
        tidy(work)
    failures: list[str] = []
    batches = cut_batches([work for work, _ in cells], batch_size)
    lacking = (batch for batch in batches if any(row.prompt.sample_id in cells[row.cell][1] for row in batch))
    for batch in one_ahead(lacking, lambda batch: model.prepare([row.prompt for row in batch])):
        wanted = [row.prompt.sample_id in cells[row.cell][1] for row in batch]
        answers = _answers(model.generate, [row.prompt for row in batch])
        made = [
            (row.cell, _prediction(row.prompt, row.key, answer))
            for row, answer, is_wanted in zip(batch, answers, wanted, strict=True)
            if is_wanted
        ]
        failures += _append(cells, made)
        meter.advance(len(made))
    return failures


def _append(cells: Sequence[tuple[CellWork, set[str]]], made: Sequence[tuple[int, Prediction]]) -> list[str]:
    """Write a batch of answers into the files of their cells; return a complaint for each that is none."""
    for at in dict.fromkeys(cell for cell, _ in made):
        append_predictions(cells[at][0].path, [prediction for cell, prediction in made if cell == at])
    return [f"{cells[at][0].path}: {p.id}: {p.error}" for at, p in made if p.error is not None]


def cut_batches(cells: Sequence[CellWork], batch_size: int) -> Iterator[list[Row]]:
    """Cut cells into batches of samples of similar length in all their wordings, the same way every time."""
    samples: dict[str, list[Row]] = {}
    for at, work in enumerate(cells):
        for prompt, key in zip(work.prompts, work.keys, strict=True):
            samples.setdefault(prompt.sample_id, []).append(Row(at, prompt, key))
    batch: list[Row] = []
    for name in sorted(samples, key=lambda name: (len(samples[name][0].prompt.text), name)):
        if batch and len(batch) + len(samples[name]) > batch_size:
            yield batch
            batch = []
        batch += samples[name]
        while len(batch) > batch_size:
            yield batch[:batch_size]
            batch = batch[batch_size:]
    if batch:
        yield batch


def _answers(
    generate: Callable[[Sequence[Prompt]], list[str]], prompts: Sequence[Prompt]
) -> list[str | Exception]:
    """Answer a batch; on failure narrow it down, so that one broken sample costs only itself."""
    try:
        return list(generate(prompts))
    except OutOfMemoryError as error:
        if len(prompts) == 1:
            return [error]
        say(f"out of memory with a batch of {len(prompts)}: halved")
        middle = len(prompts) // 2
        return _answers(generate, prompts[:middle]) + _answers(generate, prompts[middle:])
    except Exception as error:
        if len(prompts) == 1:
            return [error]
        return [answer for prompt in prompts for answer in _answers(generate, [prompt])]


def _prediction(prompt: Prompt, key: str, answer: str | Exception) -> Prediction:
    if isinstance(answer, Exception):
        kind = "" if isinstance(answer, CvitBenchError) else f"{type(answer).__name__}: "
        why = f"{kind}{first_line(answer)}"
        return Prediction(id=prompt.sample_id, key=key, prompt=prompt.text, text=None, error=why)
    return Prediction(id=prompt.sample_id, key=key, prompt=prompt.text, text=answer)
