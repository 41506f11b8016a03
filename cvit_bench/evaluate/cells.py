"""A cell's prompts, and what of its answers and rankings is there already: everything is reused by key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.evaluate.asking import Ask, Reply
from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.progress import say
from cvit_bench.records.files import sha256_json, write_text
from cvit_bench.records.prediction import Prediction, PredictionFile, read_predictions
from cvit_bench.records.ranking import Ranking
from cvit_bench.records.sample import Prompt


@dataclass(frozen=True)
class CellWork:
    """One cell's prompts with their keys, what is to be ranked behind them, and where its predictions lie.

    `asks` has an entry for each prompt, or none where the cell is not ranked.
    """

    path: Path
    prompts: Sequence[Prompt]
    keys: Sequence[str]
    asks: Sequence[Ask] = ()

    def rows(self, cell: int = 0) -> list["Row"]:
        """Return its prompts as rows of a batch; `cell` is its number there."""
        asks: Sequence[Ask | None] = self.asks or [None] * len(self.prompts)
        found = zip(self.prompts, self.keys, asks, strict=True)
        return [Row(cell, prompt, key, ask) for prompt, key, ask in found]


@dataclass(frozen=True)
class Row:
    """A prompt of a batch: which cell it belongs to, its key, what is ranked behind it."""

    cell: int
    prompt: Prompt
    key: str
    ask: Ask | None

    def known(self, one: Prediction | None) -> "Known":
        """Return what of an earlier prediction still holds: all that was made under the same key."""
        if one is None:
            return Known(self, None, None)
        ranked_so = one.ranking is not None and self.ask is not None and one.ranking.key == self.ask.key
        return Known(self, one.text if one.key == self.key else None, one.ranking if ranked_so else None)


@dataclass(frozen=True)
class Known:
    """A row with the answer and the ranking that need not be made again; None where there is none."""

    row: Row
    text: str | None
    ranking: Ranking | None

    @property
    def lacks_answer(self) -> bool:
        """Whether it has to be answered."""
        return self.text is None

    @property
    def lacks_ranking(self) -> bool:
        """Whether allowed answers have to be ranked."""
        return self.row.ask is not None and self.ranking is None

    @property
    def is_lacking(self) -> bool:
        """Whether anything is to be done."""
        return self.lacks_answer or self.lacks_ranking

    def after(self, reply: Reply) -> Reply:
        """Return a reply with what was known in its place."""
        return Reply(
            reply.text if self.text is None else self.text,
            reply.ranking if self.ranking is None else self.ranking,
        )


@dataclass(frozen=True)
class Missing:
    """How many answers and how many rankings a cell lacks, and how many of its prompts lack either.

    `untidy` is whether its file holds more than a whole line of each sample: a kill came before it was put
    in order.
    """

    answers: int
    rankings: int
    rows: int
    untidy: bool


def prediction_key(weights: str, prompt: Prompt, settings: dict[str, object]) -> str:
    """Return the key under which an answer may be used again: weights, image bytes, wording, settings.

    `weights` is the hash of base and adapter, the base's chat template and tokenizer among them: with the
    text they make the rendered prompt. Where a method routes by instruction, `settings` hold what it is told.
    """
    image = prompt.picture.sha256 if prompt.picture is not None else None
    return sha256_json([weights, image, prompt.text, prompt.max_new_tokens, settings])


def answer_settings(runner: object, arithmetic: str) -> dict[str, object]:
    """Return what of an evaluation's settings decides its answers, but for what a router is told."""
    return {"runner": runner, "decoding": "greedy", "dtype": arithmetic}


def missing_in(work: CellWork) -> Missing:
    """Tell what a cell lacks; nothing is written."""
    file = read_predictions(work.path)
    there = _last(file)
    known = [row.known(there.get(row.prompt.sample_id)) for row in work.rows()]
    return Missing(
        answers=sum(one.lacks_answer for one in known),
        rankings=sum(one.lacks_ranking for one in known),
        rows=sum(one.is_lacking for one in known),
        untidy=bool(file.damaged) or len(there) < len(file.predictions),
    )


def last_words(path: Path) -> dict[str, Prediction]:
    """Return the last line of each sample in a file of predictions, whole ones only."""
    return _last(read_predictions(path))


def _last(file: PredictionFile) -> dict[str, Prediction]:
    """Return the last word on each sample: answers may stand there before their rankings."""
    return {one.id: one for one in file.predictions}


def tidy(work: CellWork) -> dict[str, Prediction]:
    """Drop damaged, failed and stale lines from a cell's file; return what was there before, by sample.

    Answers of other samples stay.
    """
    file = read_predictions(work.path)
    for complaint in file.damaged:
        say(f"{complaint}; this answer is generated again")
    there, rows = _last(file), {row.prompt.sample_id: row for row in work.rows()}
    stale = {name for name, row in rows.items() if row.known(there.get(name)).lacks_answer}
    _keep(work.path, file, [one for name, one in there.items() if name not in stale])
    return there


def _keep(path: Path, file: PredictionFile, kept: Sequence[Prediction]) -> None:
    """Leave nothing but these lines in a file."""
    if file.damaged or len(kept) != len(file.predictions):
        write_text(path, "".join(one.model_dump_json() + "\n" for one in kept))


def leave_last(work: CellWork) -> None:
    """Leave one whole line of each sample, the last: answers may have stood there before their rankings."""
    file = read_predictions(work.path)
    for complaint in file.damaged:
        say(f"{complaint}; the line is dropped")
    _keep(work.path, file, list(_last(file).values()))


def cut_batches(cells: Sequence[CellWork], size: BatchSize) -> Iterator[list[Row]]:
    """Cut cells into batches of samples in all their wordings, the same way every time.

    Samples of a batch have as many allowed answers, as far as may be, and are of similar length.
    """
    samples: dict[str, list[Row]] = {}
    for at, work in enumerate(cells):
        for row in work.rows(at):
            samples.setdefault(row.prompt.sample_id, []).append(row)
    batch: list[Row] = []
    for name in sorted(samples, key=lambda name: (*_size(samples[name]), name)):
        if batch and len(batch) + len(samples[name]) > size.now:
            yield batch
            batch = []
        batch += samples[name]
        while len(batch) > (most := size.now):
            yield batch[:most]
            batch = batch[most:]
    if batch:
        yield batch


def _size(rows: Sequence[Row]) -> tuple[int, int]:
    """Return how many answers are ranked behind the wordings of a sample, and how long the first one is."""
    num_answers = max(len(row.ask.answers) if row.ask is not None else 0 for row in rows)
    return num_answers, len(rows[0].prompt.text)
