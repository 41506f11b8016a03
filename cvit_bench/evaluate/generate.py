"""Answer the prompts of one cell: reuse by key, append batch by batch, never take an error for an answer.

Batches are cut from the whole cell before anything is reused, so that an interrupted cell is completed
with the very batches an undisturbed one would have had.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.errors import CvitBenchError
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
    """Return the key under which an answer may be used again: weights, image bytes, wording, settings."""
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


def fill_cell(work: CellWork, missing: set[str], model: Model, batch_size: int, meter: Meter) -> list[str]:
    """Answer what is missing; return one complaint for each prompt that failed."""
    tidy(work)
    failures: list[str] = []
    for batch in cut_batches(work, batch_size):
        prompts = [prompt for prompt, _ in batch]
        if missing.isdisjoint(prompt.sample_id for prompt in prompts):
            continue
        answers = _answers(model.generate, prompts)
        made = [
            _prediction(prompt, key, answer)
            for (prompt, key), answer in zip(batch, answers, strict=True)
            if prompt.sample_id in missing
        ]
        append_predictions(work.path, made)
        failures += [f"{work.path}: {p.id}: {p.error}" for p in made if p.error is not None]
        meter.advance(len(made))
    return failures


def cut_batches(work: CellWork, batch_size: int) -> Iterator[list[tuple[Prompt, str]]]:
    """Cut a cell into batches of prompts of similar length, the same way every time."""
    rows = list(zip(work.prompts, work.keys, strict=True))
    rows.sort(key=lambda row: (len(row[0].text), row[0].sample_id))
    for start in range(0, len(rows), batch_size):
        yield rows[start : start + batch_size]


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
