"""What a reader must know before believing a run's numbers: said at the head of its report."""

from collections.abc import Callable

from cvit_bench.records.choices import Resample, SplitChoice
from cvit_bench.records.plan import IMPORTED
from cvit_bench.records.provenance import part
from cvit_bench.records.results import Results
from cvit_bench.text import counted

FEW_SAMPLES = 100


def caveats(results: Results) -> list[str]:
    """Return one sentence for each thing that limits what the numbers say."""
    return [text for rule in _RULES for text in [rule(results)] if text is not None]


def _validation(results: Results) -> str | None:
    if results.split is SplitChoice.TEST:
        return None
    return "These are validation samples, left out of training; settings may have been chosen by them."


def _shortened(results: Results) -> str | None:
    return "Only the first tasks of the suite were learned." if results.shortened else None


def _limited(results: Results) -> str | None:
    limit = results.provenance.get("limit")
    return None if limit is None else f"Only the first {limit} samples of each task were asked."


def _told(results: Results) -> str | None:
    told = results.task_identity == "oracle"
    return (
        "The method was told which task each sample belongs to: not comparable with others." if told else None
    )


def _one_seed(results: Results) -> str | None:
    if results.schedule == "none" or len(results.seeds) > 1:
        return None
    return "One training seed: intervals tell of the samples, not of training again."


def _imported(results: Results) -> str | None:
    if "imported" not in part(results.provenance, "trained_with"):
        return None
    if not results.cells:
        return "Scores without samples, made elsewhere: no interval can be given, and nothing be checked."
    worded = ", asked in its own wording," if results.variants == (IMPORTED,) else ""
    return f"Answers of another tool{worded} and scored here: its weights are not known."


def _one_wording(results: Results) -> str | None:
    one = len(results.variants) == 1
    return "Asked in one wording: how far scores depend on it is not known." if one else None


def _some_wordings(results: Results) -> str | None:
    design = part(results.provenance, "design")
    if not design:
        return None
    return f"Each sample was asked in {design.get('per_sample')} of the wordings only, dealt at random."


def _drawn_wordings(results: Results) -> str | None:
    if results.provenance.get("resample") != Resample.VARIANTS.value:
        return None
    return "Intervals of metrics count the wordings as drawn, too: wider than those over pictures alone."


def _few_samples(results: Results) -> str | None:
    few = [f"{task.title} ({task.n})" for task in results.tasks if task.n and task.n < FEW_SAMPLES]
    return f"Fewer than {FEW_SAMPLES} samples: {', '.join(few)}." if few else None


def _not_run(results: Results) -> str | None:
    lacking = sum(value is None for row in results.matrices.S for value in row)
    if not lacking or results.schedule == "per_task":
        return None
    return f"Not run: {counted(lacking, 'cell')} of the matrix; numbers that need them are left undefined."


def _no_weights(results: Results) -> str | None:
    known = part(results.provenance, "weights")
    return None if known else "No checkpoint was replayed here: answers or scores come from elsewhere."


def _self_test(results: Results) -> str | None:
    found = part(results.provenance, "selftest")
    if not found or found.get("passed"):
        return None
    placement = part(results.provenance, "generation", "placement")
    alone = "; these were made one by one, nothing shared or merged" if placement.get("one_by_one") else ""
    return f"The self-test failed, answers depend on how they are computed: {found.get('verdict')}{alone}."


_RULES: tuple[Callable[[Results], str | None], ...] = (
    _no_weights,
    _self_test,
    _validation,
    _shortened,
    _limited,
    _told,
    _not_run,
    _few_samples,
    _one_seed,
    _imported,
    _one_wording,
    _some_wordings,
    _drawn_wordings,
)
