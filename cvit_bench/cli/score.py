"""`cvit-bench score`: scores and metrics again, from predictions alone."""

from cvit_bench.cli.options import DataRoot, Json, References, Resampled, RunDir, Split
from cvit_bench.records.choices import Resample, SplitChoice
from cvit_bench.text import visible


def score(
    run_dir: RunDir,
    split: Split = SplitChoice.TEST,
    reference: References = None,
    resample: Resampled = Resample.IMAGES,
    data_root: DataRoot = None,
    json: Json = False,
) -> None:
    """Score a run again from its predictions.

    No model and no GPU is needed.
    """
    from cvit_bench.evaluate.score import rescore
    from cvit_bench.report.terminal import results_text

    results = rescore(run_dir, data_root, split, reference or (), resample)
    print(results.model_dump_json(indent=1) if json else visible(results_text(results)))
