"""Rank the allowed answers on a blank picture; batches are the same whatever is there already."""

from collections.abc import Iterator, Sequence

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.asking import Ask, ranked
from cvit_bench.evaluate.ranking import BlankWork
from cvit_bench.models.family import Model
from cvit_bench.progress import Meter, metered, say
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.ranking import BlankRanking, BlankRankings, Ranking
from cvit_bench.text import first_line

Keys = frozenset[str]


def missing_blanks(work: BlankWork) -> Keys:
    """Return the keys of the rankings that a file lacks."""
    return frozenset(ask.key for ask in work.asks) - {item.ranking.key for item in _there(work)}


def fill_blanks(
    work: Sequence[tuple[BlankWork, Keys]], model: Model, batch_size: int, label: str
) -> list[str]:
    """Make what is missing; return one complaint for each prompt whose answers could not be ranked."""
    failures: list[str] = []
    with metered(f"{label}, blank pictures", sum(len(missing) for _, missing in work)) as meter:
        for one, missing in work:
            failures += _fill(one, missing, model, batch_size, meter)
    return failures


def _fill(work: BlankWork, missing: Keys, model: Model, batch_size: int, meter: Meter) -> list[str]:
    """Write all rankings of a task at once."""
    kept = {item.ranking.key: item for item in _there(work)}
    failures: list[str] = []
    for made in _batches(work.asks, missing, model, batch_size, meter):
        for ask, found in made:
            if isinstance(found, Ranking):
                kept[ask.key] = BlankRanking(prompt=ask.prompt.text, ranking=found)
            else:
                failures.append(f"{work.path}: {ask.prompt.sample_id}: ranking: {first_line(found)}")
    items = tuple(kept[ask.key] for ask in work.asks if ask.key in kept)
    save_json(work.path, BlankRankings(rankings=items))
    return failures


def _there(work: BlankWork) -> tuple[BlankRanking, ...]:
    """Return what a file holds; one that cannot be read is made again."""
    try:
        return load_json(work.path, BlankRankings).rankings if work.path.exists() else ()
    except CvitBenchError as error:
        say(f"{error}; it is made again")
        return ()


def _batches(
    asks: Sequence[Ask], missing: Keys, model: Model, batch_size: int, meter: Meter
) -> Iterator[list[tuple[Ask, Ranking | Exception]]]:
    """Yield what was missing, batch by batch: prompts of similar length with as many answers."""
    ordered = sorted(asks, key=lambda ask: (len(ask.answers), len(ask.prompt.text), ask.prompt.sample_id))
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        if missing.isdisjoint(ask.key for ask in batch):
            continue
        found = zip(batch, ranked(model, batch), strict=True)
        made = [pair for pair in found if pair[0].key in missing]
        meter.advance(len(made))
        yield made
