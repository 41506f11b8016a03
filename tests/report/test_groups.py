"""Runs that differ in their seeds alone share a line: a mean, and a spread for each kind of seed."""

import csv
import io
from statistics import stdev

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.entry import entry_of
from cvit_bench.records.results import Estimate, Results, Series
from cvit_bench.report.adding import add_entries, add_entry
from cvit_bench.report.board import build_rows, run_lines
from cvit_bench.report.columns import AP, FORGETTING, find
from cvit_bench.report.csv_text import as_csv
from cvit_bench.report.entries import load_entries
from cvit_bench.report.groups import group_runs, router_seed
from cvit_bench.report.leaderboard import build_leaderboard
from cvit_bench.report.task_scores import task_table

APS = {(0, 0): 50.0, (1, 0): 53.0, (2, 0): 56.0, (0, 1): 52.0, (0, 2): 54.0}
"""AP by training seed and router seed."""

SAME = {"seed": 1, "limit": None, "adapter_config": {"rank": 8, "router_seed": 0}}


@pytest.fixture
def seeded(make):
    """Return a function that makes the results of one run with its seeds and settings."""

    def made(seed, router=0, ap=50.0, maker=None, **changes):
        adapter = {"rank": 8, "router_seed": router, **changes.pop("adapter", {})}
        training = {"seed": seed, "limit": None, "adapter_config": adapter}
        name = changes.pop("name", f"smolora-{seed}-r{router}")
        values = {"ap": ap, "map": 60.0, "bwt_tm1": -ap, "forgetting": ap / 10, "mif": 90.0, "unseen": 40.0}
        given = {"seeds": (seed,), "values": values, "provenance": {"training": training}, **changes}
        return (maker or make.better)(name, **given)

    return made


@pytest.fixture
def five(seeded):
    """Return three training seeds and, with the first of them, three router seeds."""
    return [entry_of(seeded(seed, router, ap)) for (seed, router), ap in APS.items()]


def test_the_mean_is_over_training_seeds_alone(five):
    (group,) = group_runs(five)
    assert [(run.seeds[0], router_seed(run)) for run in group.trained] == [(0, 0), (1, 0), (2, 0)]
    metric = find(group.mean.metrics, AP)
    assert (metric.value, metric.ci_low, metric.ci_high) == (53.0, 50.5, 55.5)
    assert group.mean.seeds == (0, 1, 2)


def test_the_mean_of_a_task_is_over_training_seeds_with_the_mean_of_the_ends(seeded):
    lasts = [[78.0, 84.0, 93.5, 110.2, 45.5], [82.0, 84.0, 93.5, None, 47.5]]
    runs = [
        entry_of(seeded(seed, matrix=[[None] * 5] * 4 + [last], half=1.0 + seed))
        for seed, last in enumerate(lasts)
    ]
    (group,) = group_runs(runs)
    found = {one.task: one.strict for one in group.mean.task_scores}
    assert found["fruits"] == Estimate(value=80.0, ci_low=78.5, ci_high=81.5)
    assert found["sketches"] == Estimate(value=46.5, ci_low=45.0, ci_high=48.0)
    assert "captions" not in found  # not every run has it


def test_both_kinds_of_seed_have_a_spread_of_their_own(five):
    (group,) = group_runs(five)
    assert [router_seed(run) for run in group.routed] == [0, 1, 2]
    spread = group.spread(AP)
    assert spread.seeds == pytest.approx(stdev([50, 53, 56]))
    assert spread.routers == pytest.approx(stdev([50, 52, 54]))


def test_the_order_of_the_files_does_not_matter(five):
    forth, back = (group_runs(entries)[0] for entries in (five, five[::-1]))
    assert (forth.runs, forth.trained, forth.routed) == (back.runs, back.trained, back.routed)


def test_the_router_seed_of_most_runs_is_the_one_that_training_seeds_are_compared_with(seeded):
    places = [(0, 0), (0, 7), (1, 7), (2, 7)]
    (group,) = group_runs([entry_of(seeded(*place)) for place in places])
    assert [run.name for run in group.trained] == ["smolora-0-r7", "smolora-1-r7", "smolora-2-r7"]
    assert [run.name for run in group.routed] == ["smolora-0-r0", "smolora-0-r7"]


def test_a_lone_run_is_itself_without_a_spread(seeded):
    entry = entry_of(seeded(0))
    (group,) = group_runs([entry])
    assert group.mean is entry
    assert (group.spread(AP).seeds, group.spread(AP).routers) == (None, None)
    assert group.judged(AP) == find(entry.metrics, AP)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"adapter": {"rank": 16}},
        {"templates": "multi"},
        {"task_identity": "oracle"},
        {"provenance": {"training": {"seed": 1, "limit": 5, "adapter_config": {"rank": 8}}}},
        {"provenance": {"training": SAME, "design": {"per_sample": 2}}},
        {"provenance": {"training": SAME, "resample": "images+variants"}},
        {"provenance": {}},
        {"provenance": {"training": "unknown"}},
        {"seeds": ()},
        {"seeds": (1, 2)},
    ],
)
def test_runs_that_differ_in_more_or_say_too_little_stay_apart(seeded, changes):
    entries = [entry_of(seeded(0)), entry_of(seeded(1, **changes))]
    assert [len(group.runs) for group in group_runs(entries)] == [1, 1]


def test_a_mean_has_no_numbers_along_the_stages_of_one_run(seeded):
    series = (Series(id="ap", values=(None, Estimate(value=1, ci_low=0, ci_high=2))),)
    (group,) = group_runs([entry_of(seeded(seed, series=series)) for seed in (0, 1)])
    assert group.runs[0].series == series
    assert group.mean.series == ()


def test_runs_that_differ_in_their_seed_alone_share_a_line(seeded):
    entries = [entry_of(seeded(0)), entry_of(seeded(1, provenance={"training": SAME}))]
    assert [len(group.runs) for group in group_runs(entries)] == [2]


def test_a_second_run_of_the_same_seeds_stays_apart(seeded):
    entries = [entry_of(seeded(0)), entry_of(seeded(0, name="again")), entry_of(seeded(1))]
    assert sorted(len(group.runs) for group in group_runs(entries)) == [1, 2]


def test_a_metric_that_one_run_lacks_has_no_mean(seeded):
    without = seeded(1)
    metrics = tuple(
        m.model_copy(update={"value": None, "reason": "why"}) if m.id == "ap" else m for m in without.metrics
    )
    group = group_runs([entry_of(seeded(0)), entry_of(without.model_copy(update={"metrics": metrics}))])[0]
    found = find(group.mean.metrics, AP)
    assert (found.value, found.ci_low, found.reason) == (None, None, "why")
    assert group.spread(AP).seeds is None


def test_matrices_are_averaged_and_cells_not_run_stay_so(make, seeded):
    other = [[None if v is None else v + 10 for v in row] for row in make.better().matrices.S]
    group = group_runs([entry_of(seeded(0)), entry_of(seeded(1, matrix=other))])[0]
    first, mean = make.better().matrices.S, group.mean.matrices.S
    assert [[v is None for v in row] for row in mean] == [[v is None for v in row] for row in first]
    assert mean[-1] == tuple(value + 5 for value in first[-1])


def test_methods_are_tied_while_a_run_of_one_reaches_the_others(make, seeded):
    spread_out = [entry_of(seeded(seed, ap=ap)) for seed, ap in enumerate((80.0, 60.0, 40.0))]
    rival = entry_of(make.sequential(values={"ap": 45.0}))
    rows = build_rows([*spread_out, rival])
    assert [(row.entry.name, row.rank) for row in rows] == [("smolora-0-r0", "1–2"), ("lora-seq", "1–2")]
    rows = build_rows([*(entry_of(seeded(seed, ap=60.0)) for seed in range(3)), rival])
    assert [row.rank for row in rows] == ["1", "2"]


def test_less_forgetting_is_judged_by_all_runs_too(five):
    judged = group_runs(five)[0].judged(FORGETTING)
    assert (judged.ci_low, judged.ci_high) == (2.8, 7.8)


def test_the_page_shows_mean_and_spreads_and_keeps_every_run(make, seeded, save, tmp_path):
    out = tmp_path / "boards"
    runs = [save(seeded(seed, router, ap)) for (seed, router), ap in APS.items()]
    assert len(add_entries([*runs, save(make.zero_shot())], out)) == 6
    assert len(list((out / "mini" / "entries").glob("*.json"))) == 6
    page = build_leaderboard(out, "mini")
    assert "<b>6</b> runs" in page
    assert "5 runs, 3 router seeds · single template" in page
    assert '53.0 <span class="quiet" title="standard deviation over training seeds">± 3.0</span>' in page
    assert "routers ± 2.0" in page
    for run in runs:
        assert f'<span class="under">{run.name}</span>' in page
    lines = list(csv.DictReader(io.StringIO(as_csv(load_entries(out, "mini")))))
    assert [(line["seeds"], line["router_seed"]) for line in lines if line["method"] == "smolora"] == [
        ("2", "0"), ("0", "2"), ("1", "0"), ("0", "1"), ("0", "0")
    ]  # fmt: skip


def test_a_page_of_lone_runs_says_nothing_of_means(board):
    page = build_leaderboard(board, "mini")
    assert "seeds alone" not in page
    assert "router" not in page
    assert run_lines(build_rows(load_entries(board, "mini"))) == []


def alone(make, name, num_tasks):
    """Return a per-task run: its matrix is a diagonal under an empty row."""
    rows = [[None] * num_tasks]
    rows += [[90.0 + at if at == own else None for at in range(num_tasks)] for own in range(num_tasks)]
    whole = make.sequential(name, schedule="per_task", title="Alone")
    given = {
        **whole.model_dump(mode="json"),
        "tasks": [task.model_dump() for task in whole.tasks[:num_tasks]],
        "stages": [stage.model_dump() for stage in whole.stages[: num_tasks + 1]],
        "matrices": dict.fromkeys("SKF", rows),
        **dict.fromkeys(("cells", "task_scores", "few_shot", "splits", "outcomes", "flips"), ()),
    }
    return Results.model_validate(given)


def test_a_per_task_run_stands_beside_runs_that_were_asked_unseen_tasks(make, save, board):
    add_entry(save(alone(make, "alone", 4)), board)
    scores = dict(task_table(load_entries(board, "mini")).rows)["Alone"]
    assert [score.value for score in scores] == [90.0, 91.0, 92.0, 93.0, None]
    assert "Per-task runs: at the task&#39;s own stage." in build_leaderboard(board, "mini")
    with pytest.raises(CvitBenchError, match=r"runs/fewer/results\.json: tasks: "):
        add_entry(save(alone(make, "fewer", 3)), board)


def test_several_runs_are_added_all_or_none(make, save, tmp_path):
    good, bad = save(make.sequential()), save(make.better(suite_version=2))
    with pytest.raises(
        CvitBenchError, match=r"runs/smolora/results\.json: suite_version: 2, but .*/lora-seq/"
    ):
        add_entries([good, bad], tmp_path / "boards")
    assert not (tmp_path / "boards").exists()


def test_two_runs_of_one_name_are_refused(make, save, tmp_path):
    first = save(make.sequential())
    other = tmp_path / "elsewhere" / "lora-seq"
    other.parent.mkdir()
    first.rename(other)
    second = save(make.sequential())
    with pytest.raises(CvitBenchError, match=r"results\.json: run: 'lora-seq' is the name of .* too"):
        add_entries([other, second], tmp_path / "boards")
    assert len(add_entries([second, second], tmp_path / "boards")) == 1
