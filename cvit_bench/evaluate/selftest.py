"""Do answers depend on how they are computed? The same prompts are answered in several ways and compared.

The usual way is that of `evaluate`: batches, shared beginnings, merged adapters, rankings in between. It is
compared with each prompt alone, with the plainest way there is (`Model.generate_plainly`), and with the model
loaded once more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.asking import Ask, replies
from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.ranking import Rankings
from cvit_bench.evaluate.sequence import EvaluateOptions, prepare, ranks
from cvit_bench.evaluate.weights import StageWeights
from cvit_bench.models.family import Model, family_of
from cvit_bench.progress import Meter, metered
from cvit_bench.records.load import save_json
from cvit_bench.records.lock import at_work
from cvit_bench.records.plan import PlannedCell
from cvit_bench.records.sample import Prompt
from cvit_bench.records.selftest import AGAIN, PLAIN, SELFTEST, SINGLE, Check, Difference, SelfTest
from cvit_bench.records.versions import package_versions

_EXAMPLES = 5
NAMES = (SINGLE, PLAIN, AGAIN)


@dataclass(frozen=True)
class Asked:
    """The prompts of one stage and the answers to them, one list for each way of computing."""

    stage: StageWeights
    prompts: list[Prompt]
    usual: list[str]
    others: tuple[list[str], ...]


def selftest(run_dir: Path, options: EvaluateOptions, every_stage: bool = False) -> SelfTest:
    """Answer a few prompts in several ways at the base and the last stage, or all; write and return it."""
    inputs, base, stages, plan = prepare(run_dir, options)
    with at_work(run_dir, "selftest"):
        chosen = stages if every_stage or len(stages) == 1 else [stages[0], stages[-1]]
        dtype = options.placement.arithmetic
        rankings = Rankings(inputs, plan, chosen[0], dtype) if ranks(base, options) else None
        rows = list(_asked(inputs, rankings, plan.cells))
        family = family_of(base)
        with metered(f"{inputs.run_dir.name}, self-test", 4 * len(rows) * len(chosen)) as meter:

            def load() -> Model:
                return family.load(base, options.placement)

            asked = list(_ask(load, chosen, rows, BatchSize(options.batch_size).now, meter))
        found = SelfTest(
            stages={stage.name: stage.sha256 for stage in chosen},
            checks=tuple(_check(name, at, asked) for at, name in enumerate(NAMES)),
            placement=asdict(options.placement),
            packages=package_versions(),
        )
        save_json(run_dir / SELFTEST, found)
        return found


def _asked(
    inputs: RunInputs, rankings: Rankings | None, cells: Sequence[PlannedCell]
) -> Iterator[tuple[Prompt, Ask | None]]:
    """Yield the prompts of all tasks and what is ranked behind them, wordings of a sample side by side."""
    places = {(cell.task, cell.variant): cell for cell in cells}
    for task in dict.fromkeys(task for task, _ in places):
        found: list[tuple[Prompt, Ask | None]] = []
        for cell in (cell for (name, _), cell in places.items() if name == task):
            prompts = inputs.prompts(task, cell.variant)
            asks: Sequence[Ask | None] = rankings.of_cell(cell) if rankings is not None else []
            found += zip(prompts, asks or [None] * len(prompts), strict=True)
        yield from sorted(found, key=lambda pair: pair[0].sample_id)


def _ask(
    load: Callable[[], Model],
    stages: Sequence[StageWeights],
    asked: Sequence[tuple[Prompt, Ask | None]],
    batch_size: int,
    meter: Meter,
) -> Iterator[Asked]:
    prompts = [prompt for prompt, _ in asked]

    def batched(model: Model) -> list[str]:
        starts = range(0, len(asked), batch_size)
        return [text for at in starts for text in _usual(model, asked[at : at + batch_size], meter)]

    first: dict[str, tuple[list[str], list[str], list[str]]] = {}
    model = load()
    for stage in stages:
        model.use(stage.checkpoint)
        usual = batched(model)
        single = [text for prompt in prompts for text in _told(model.generate, [prompt], meter)]
        first[stage.name] = usual, single, _told(model.generate_plainly, prompts, meter)
    del model
    again = load()
    for stage in stages:
        again.use(stage.checkpoint)
        usual, single, plain = first[stage.name]
        yield Asked(stage, prompts, usual, (single, plain, batched(again)))


def _told(ask: Callable[[Sequence[Prompt]], list[str]], prompts: Sequence[Prompt], meter: Meter) -> list[str]:
    texts = ask(prompts)
    meter.advance(len(texts))
    return texts


def _usual(model: Model, asked: Sequence[tuple[Prompt, Ask | None]], meter: Meter) -> list[str]:
    """Answer as `evaluate` does: from the reading that allowed answers are ranked behind."""
    prompts, asks = [prompt for prompt, _ in asked], [ask for _, ask in asked]
    if not any(asks):
        return _told(model.generate, prompts, meter)
    texts = []
    for reply in replies(model, prompts, asks):
        if not isinstance(reply.text, str):
            raise reply.text or CvitBenchError("a model gave no answer")
        texts.append(reply.text)
    meter.advance(len(texts))
    return texts


def _check(name: str, at: int, asked: Sequence[Asked]) -> Check:
    differences = [
        Difference(
            stage=one.stage.name,
            task=prompt.task,
            variant=prompt.variant,
            sample=prompt.sample_id,
            usual=usual,
            other=other,
        )
        for one in asked
        for prompt, usual, other in zip(one.prompts, one.usual, one.others[at], strict=True)
        if usual != other
    ]
    total = sum(len(one.prompts) for one in asked)
    return Check(
        name=name, prompts=total, differing=len(differences), examples=tuple(differences[:_EXAMPLES])
    )
