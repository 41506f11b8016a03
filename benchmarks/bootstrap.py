"""Seconds and memory of every metric's interval on a large run.

    python benchmarks/bootstrap.py [--stages 7] [--tasks 10] [--variants 5] [--samples 1000]
                                   [--resample images+variants]

The run is synthetic, with every field of ranked knowledge and of wordings on every task; the first tasks are
trained in order, the others are unseen. Timed is what `score` does after the last answer was judged: means,
draws and all metrics, the main ones at every stage too.
"""

import argparse
import resource
import sys
import time

import numpy as np

from cvit_bench.evaluate.measures import measured, metric_results
from cvit_bench.evaluate.series import all_series
from cvit_bench.metrics.resampling import RESAMPLES, Items
from cvit_bench.metrics.wordings import over_wordings
from cvit_bench.records.choices import Resample
from cvit_bench.records.matrix import ScoreMatrix


def items(generator: np.random.Generator, stages: int, samples: int, variants: int) -> Items:
    """Return the fields of one task: an item knows the answer and keeps the form, each by chance."""
    shape = (stages, samples * variants)
    knows, form = generator.random(shape) < 0.7, generator.random(shape) < 0.8
    strict = knows & form
    fields = {
        "strict": strict,
        "unsaid": knows & ~form & (generator.random(shape) < 0.3),
        "form": form,
        "wrong": ~strict,
        "ranked": ~strict & knows,
        "blank": ~strict & (generator.random(shape) < 0.25),
        "uniform": ~strict * 0.25,
    }
    scores = {name: values.astype(np.float64) for name, values in fields.items()}
    places = {(f"v{at % variants}", str(at // variants)): at for at in range(samples * variants)}
    wordings = {f"v{at}": at % 2 == 0 for at in range(variants)}
    worded = over_wordings(scores["strict"], places, wordings, 1.0)
    images, asked = np.repeat(np.arange(samples), variants), np.tile(np.arange(variants), samples)
    return Items({**scores, **worded}, images, wordings=asked, of_wordings=tuple(worded))


def layout(stages: int, tasks: int) -> ScoreMatrix:
    """Return the names of a run's stages and tasks: the first are trained, the others are unseen."""
    names = tuple(f"t{at}" for at in range(tasks))
    trained = ((), *((name,) for name in names[: stages - 1]))
    rows = tuple(f"{at:02}" for at in range(stages))
    return ScoreMatrix(np.full((stages, tasks), np.nan), rows, names, trained, max(0, tasks - stages + 1))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (("stages", 7), ("tasks", 10), ("variants", 5), ("samples", 1000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--resamples", type=int, default=RESAMPLES)
    parser.add_argument("--resample", type=Resample, default=Resample.IMAGES)
    wanted = parser.parse_args()
    about = layout(wanted.stages, wanted.tasks)
    generator = np.random.default_rng(0)
    run = {task: items(generator, wanted.stages, wanted.samples, wanted.variants) for task in about.tasks}
    start = time.process_time(), time.perf_counter()
    drawn = measured(run, about, wanted.resamples, resample=wanted.resample)
    found, series = metric_results(drawn), all_series(drawn)
    spent = time.process_time() - start[0], time.perf_counter() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(
        f"{wanted.stages} stages × {wanted.tasks} tasks × {wanted.variants} variants × "
        f"{wanted.samples} samples, "
        f"{wanted.resamples} resamples of {wanted.resample.value}, {len(found)} metrics "
        f"and {len(series)} along the stages: "
        f"{spent[0]:.1f} s of one core ({spent[1]:.1f} s on the clock), {peak:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
