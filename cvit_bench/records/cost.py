"""What an evaluation would do, before it is done: cells, tokens, work, time. Printed, never stored."""

from cvit_bench.records.base import FileRecord, Name, Record


class StageCost(Record):
    """One stage.

    Attributes:
        prompts: all that its cells ask. to_generate, to_rank: those without an answer, without a ranking.
        prefill: tokens of the prompts to generate, each read for itself. shared: with beginnings read once.
        alike: prompts of those that begin as another one does, pictures included, and are read with it.
        decode: tokens of their answers at most.
    """

    name: Name
    cells: int
    prompts: int
    to_generate: int
    to_rank: int
    prefill: int | None = None
    shared: int | None = None
    alike: int | None = None
    decode: int = 0


class EvaluationCost(FileRecord):
    """What `evaluate --plan` says.

    Attributes:
        samples: distinct samples of all tasks asked. pictures: distinct pictures among the prompts.
        picture_tokens: positions of a picture; None where they depend on the picture and are not counted.
        weights: of the base without its vision tower. tower: of the vision tower.
        tflop: 2 × weights × tokens read and written, and of the tower for each picture, in 10^12.
        rate: samples a second and process, measured at `measured`; None where nothing was.
        seconds: what is to be generated at that rate.
    """

    stages: tuple[StageCost, ...]
    samples: int
    pictures: int
    picture_tokens: int | None = None
    weights: int | None = None
    tower: int | None = None
    tflop: float | None = None
    rate: float | None = None
    measured: tuple[Name, ...] = ()
    seconds: float | None = None
