"""Rank the allowed answers that files lack rankings of; batches are the same whatever is there already."""

from collections.abc import Iterator, Sequence

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.ranking import Ask, RankWork
from cvit_bench.models.family import Likelihoods, Model, OutOfMemoryError
from cvit_bench.progress import Meter, metered, say
from cvit_bench.records.files import write_text
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.prediction import Prediction, append_predictions, read_predictions
from cvit_bench.records.ranking import BlankRanking, BlankRankings, Ranking, ranking
from cvit_bench.text import first_line

Keys = frozenset[str]


def missing_rankings(work: RankWork) -> Keys:
    """Return the keys of the rankings that a file lacks."""
    if work.is_blank:
        there = {item.ranking.key for item in _blanks(work)}
    else:
        found = read_predictions(work.path).predictions
        there = {one.ranking.key for one in found if one.ranking is not None}
    return frozenset(ask.key for ask in work.asks) - there


def fill_rankings(
    work: Sequence[tuple[RankWork, Keys]], model: Model, batch_size: int, label: str
) -> list[str]:
    """Make what is missing; return one complaint for each prompt whose answers could not be ranked."""
    failures: list[str] = []
    with metered(f"{label}, ranking", sum(len(missing) for _, missing in work)) as meter:
        for one, missing in work:
            fill = _fill_blank if one.is_blank else _fill_cell
            failures += fill(one, missing, model, batch_size, meter)
    return failures


def _fill_cell(work: RankWork, missing: Keys, model: Model, batch_size: int, meter: Meter) -> list[str]:
    """Put rankings beside the answers of a cell, a batch at a time."""
    _tidy(work)
    answered = {one.id: one for one in read_predictions(work.path).predictions if one.text is not None}
    wanted = [ask for ask in work.asks if ask.prompt.sample_id in answered]
    failures: list[str] = []
    for made in _batches(wanted, missing, model, batch_size, meter):
        failures += _complaints(work, made)
        append_predictions(
            work.path,
            [
                answered[ask.prompt.sample_id].model_copy(update={"ranking": found})
                for ask, found in made
                if isinstance(found, Ranking)
            ],
        )
    _tidy(work)
    return failures


def _tidy(work: RankWork) -> None:
    """Leave one whole line of each sample, the last one: answers stood there before their rankings."""
    file = read_predictions(work.path)
    last: dict[str, Prediction] = {one.id: one for one in file.predictions}
    if file.damaged or len(last) != len(file.predictions):
        write_text(work.path, "".join(one.model_dump_json() + "\n" for one in last.values()))


def _fill_blank(work: RankWork, missing: Keys, model: Model, batch_size: int, meter: Meter) -> list[str]:
    """Write all rankings of a task on a blank picture at once."""
    kept = {item.ranking.key: item for item in _blanks(work)}
    failures: list[str] = []
    for made in _batches(work.asks, missing, model, batch_size, meter):
        failures += _complaints(work, made)
        for ask, found in made:
            if isinstance(found, Ranking):
                kept[ask.key] = BlankRanking(prompt=ask.prompt.text, ranking=found)
    items = tuple(kept[ask.key] for ask in work.asks if ask.key in kept)
    save_json(work.path, BlankRankings(rankings=items))
    return failures


def _blanks(work: RankWork) -> tuple[BlankRanking, ...]:
    """Return what a file on the blank picture holds; one that cannot be read is made again."""
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
        found = zip(batch, _ranked(model, batch), strict=True)
        made = [pair for pair in found if pair[0].key in missing]
        meter.advance(len(made))
        yield made


def _ranked(model: Model, batch: Sequence[Ask]) -> list[Ranking | Exception]:
    """Rank a batch; on failure narrow it down, so that one broken sample costs only itself."""
    try:
        found = model.rank([ask.prompt for ask in batch], [ask.answers for ask in batch])
    except Exception as error:
        if len(batch) == 1:
            return [error]
        if isinstance(error, OutOfMemoryError):
            say(f"out of memory ranking a batch of {len(batch)}: halved")
        middle = len(batch) // 2
        return _ranked(model, batch[:middle]) + _ranked(model, batch[middle:])
    return [_kept(ask, one) for ask, one in zip(batch, found, strict=True)]


def _kept(ask: Ask, found: Likelihoods) -> Ranking:
    return ranking(ask.key, ask.sha256, found.plain, found.tokens)


def _complaints(work: RankWork, made: Sequence[tuple[Ask, Ranking | Exception]]) -> list[str]:
    return [
        f"{work.path}: {ask.prompt.sample_id}: ranking: {first_line(found)}"
        for ask, found in made
        if isinstance(found, Exception)
    ]
