import csv
import io
import json
import re

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.entry import Entry, entry_of
from cvit_bench.records.load import load_json, save_json
from cvit_bench.report.adding import add_entry
from cvit_bench.report.board import build_rows, undefined_reasons
from cvit_bench.report.csv_text import as_csv
from cvit_bench.report.entries import entry_path, load_entries
from cvit_bench.report.leaderboard import (
    build_leaderboard,
    check_index,
    check_leaderboard,
    write_index,
    write_leaderboard,
)
from cvit_bench.report.run_report import build_run_report
from cvit_bench.report.scatter import letters, scatter_marks
from cvit_bench.report.task_scores import task_table
from cvit_bench.report.terminal import results_text


def published(results, **changes):
    fields = entry_of(results).model_dump() | {"kind": "published"} | changes
    return Entry.model_validate(fields)


def test_an_entry_is_written_once_per_run(make, save, tmp_path):
    out = tmp_path / "boards"
    path = add_entry(save(make.sequential()), out)
    assert path == out / "mini" / "entries" / "lora-seq.json"
    assert load_json(path, Entry) == entry_of(make.sequential())
    add_entry(save(make.sequential(title="Again")), out)
    assert [entry.title for entry in load_entries(out, "mini")] == ["Again"]


STRANGE = (
    "text",
    ["a", {"b": 1}],
    7,
    {"imported": "x", "adapter_config": [], "packages": 3, "placement": "y"},
)


@pytest.mark.parametrize("value", STRANGE, ids=str)
def test_a_provenance_that_holds_anything_is_shown(make, save, tmp_path, value):
    keys = ("trained_with", "training", "selftest", "generation", "base", "weights", "design", "data")
    results = make.sequential(provenance=dict.fromkeys(keys, value))
    add_entry(save(results), tmp_path)
    assert "lora-seq" in build_leaderboard(tmp_path, "mini")
    assert results.title in build_run_report(results)
    assert results.title in results_text(results)


def test_another_suite_version_is_refused(make, save, board):
    with pytest.raises(CvitBenchError, match=r"runs/new/results\.json: suite_version: 2, but .*\.json has 1"):
        add_entry(save(make.sequential("new", suite_version=2)), board)
    assert not entry_path(board, "mini", "new").exists()


def test_other_samples_are_refused(make, save, board):
    tasks = list(make.sequential().tasks)
    tasks[1] = tasks[1].model_copy(update={"n": 150})
    with pytest.raises(CvitBenchError, match=r"results\.json: tasks\.shapes\.n: 150, but .* has 200"):
        add_entry(save(make.sequential("new", tasks=tuple(tasks))), board)


def test_other_data_of_the_same_name_and_size_is_refused(make, save, tmp_path):
    out = tmp_path / "boards"
    for run, digest in (("first", "ab" * 32), ("second", "ab" * 32)):
        add_entry(save(make.better(run, provenance={"data": {"fruits": {"fruits/test.json": digest}}})), out)
    other = make.better("third", provenance={"data": {"fruits": {"fruits/test.json": "cd" * 32}}})
    with pytest.raises(
        CvitBenchError, match=r"provenance\.data\.fruits: .*cdcdcd.*, but .*first\.json has .*abab"
    ):
        add_entry(save(other), out)
    assert not entry_path(out, "mini", "third").exists()
    add_entry(save(make.better("fourth")), out)  # says nothing of its data


def test_other_tasks_are_refused(make, save, board):
    run_dir = save(make.sequential("new"))
    path = run_dir / "results.json"
    path.write_text(path.read_text().replace('"shapes"', '"colours"'))
    with pytest.raises(CvitBenchError, match=r"results\.json: tasks: .*colours"):
        add_entry(run_dir, board)


def test_entries_that_cannot_stand_together_are_refused_when_the_page_is_made(make, board):
    save_json(entry_path(board, "mini", "zz"), entry_of(make.sequential("zz", suite_version=3)))
    with pytest.raises(CvitBenchError, match=r"zz\.json: suite_version: 3"):
        build_leaderboard(board, "mini")


def test_an_entry_of_another_suite_is_refused(make, board):
    save_json(entry_path(board, "mini", "zz"), entry_of(make.sequential("zz", suite="coin")))
    with pytest.raises(CvitBenchError, match=r"zz\.json: suite: 'coin' does not belong to suite 'mini'"):
        build_leaderboard(board, "mini")


def test_a_suite_without_entries_names_those_that_have_some(board):
    with pytest.raises(CvitBenchError, match=r"unknown suite 'mimi' \(known: mini\)\. Did you mean 'mini'\?"):
        build_leaderboard(board, "mimi")


def test_only_sequences_of_tasks_are_ranked(board):
    rows = build_rows(load_entries(board, "mini"))
    assert [(row.entry.name, row.rank) for row in rows] == [
        ("lora-joint", "ref."),
        ("smolora", "1"),
        ("lora-seq", "2"),
        ("base", "ref."),
    ]


def test_the_best_is_bold_but_references_never_are(board):
    page = build_leaderboard(board, "mini")
    assert re.findall(r'<td class="num best" data-value="([-\d.]+)"', page) == [
        "91.4",
        "88.1",
        "-4.8",
        "4.9",
        "97.0",
        "45.5",
    ]


def test_a_tie_is_not_bold(make, save, board):
    close = {"ap": 90.0, "map": 87.0, "bwt_tm1": -5.5, "forgetting": 5.5, "mif": 96.0, "unseen": 44.0}
    add_entry(save(make.better("twin", values=close)), board)
    page = build_leaderboard(board, "mini")
    assert 'class="num best"' not in page
    assert page.count('<td class="rank">1–2</td>') == 2


def test_published_figures_stand_apart(make, board):
    save_json(
        entry_path(board, "mini", "paper"), published(make.better("paper", values={"ap": 99.9}, half=0))
    )
    page = build_leaderboard(board, "mini")
    runs, rest = page.split('id="published"')
    assert "99.9" not in runs
    assert "99.9" in rest
    assert "smolora" in runs


def test_published_figures_may_have_other_samples_but_not_another_version(make, board):
    paper = published(make.better("paper"))
    fewer = tuple(task.model_copy(update={"n": 5}) for task in paper.tasks)
    save_json(entry_path(board, "mini", "paper"), paper.model_copy(update={"tasks": fewer}))
    assert "Published figures" in build_leaderboard(board, "mini")
    save_json(entry_path(board, "mini", "paper"), paper.model_copy(update={"suite_version": 2}))
    with pytest.raises(CvitBenchError, match="suite_version"):
        build_leaderboard(board, "mini")


def test_undefined_values_are_dashes_with_a_reason(board):
    page = build_leaderboard(board, "mini")
    reason = "the run does not train one task after another"
    assert f'title="{reason}">–<' in page
    assert f"MAP, BWT, Seeing, Obeying, Forgetting: {reason}" in page
    assert undefined_reasons(build_rows(load_entries(board, "mini"))) == [
        f"MAP, BWT, Seeing, Obeying, Forgetting: {reason}"
    ]


def test_tasks_are_shown_at_the_last_stage(board):
    table = task_table(load_entries(board, "mini"))
    rows = dict(table.rows)
    assert [score.value for score in rows["SMoLoRA"]] == [78.0, 84.0, 93.5, 110.2, 45.5]
    assert table.first_unseen == 4


def test_tasks_stand_over_their_intervals_where_an_entry_has_them(board):
    path = board / "mini" / "entries" / "base.json"
    content = json.loads(path.read_text())
    del content["task_scores"]  # an entry of before
    path.write_text(json.dumps(content))
    page = build_leaderboard(board, "mini")
    table = page.split('id="tasks-table"')[1].split("</table>")[0]
    rows = dict(re.findall(r'<tr data-row="(.*?)">(.*?)</tr>', table, re.S))
    assert 'data-low="14.5" data-high="19.5"' in rows["lora-seq"]
    assert "14.5 to 19.5" in rows["lora-seq"]
    assert "data-low" not in rows["base"]
    assert re.search(r'<td class="h\d+" data-value="21.0"><span class="value">21.0</span></td>', rows["base"])


def test_published_figures_without_a_matrix_have_no_row(make):
    paper = published(make.better("paper"), stages=(), matrices={"S": (), "K": (), "F": ()})
    assert task_table([paper]).rows == ()


def test_the_scatter_needs_two_entries_with_both_metrics(make, board):
    marks = scatter_marks(load_entries(board, "mini"))
    assert [mark.letter for mark in marks] == ["A", "B"]
    assert 'aria-label="Accuracy across' in build_leaderboard(board, "mini")
    entry_path(board, "mini", "smolora").unlink()
    assert "<svg" not in build_leaderboard(board, "mini")


def test_letters_go_on_after_z():
    assert [letters(at) for at in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


def test_the_data_read_back_as_csv(board):
    lines = list(csv.DictReader(io.StringIO(as_csv(load_entries(board, "mini")))))
    row = next(line for line in lines if line["name"] == "smolora")
    assert (row["ap"], row["seeds"], row["n"]) == ("91.4", "0 1 2", "1000")
    assert float(row["ap_ci_low"]) == pytest.approx(88.9)


def test_an_untouched_page_passes_the_check(board):
    write_leaderboard(board, "mini")
    write_index(board)
    assert check_leaderboard(board, "mini") == []
    assert check_index(board) == []


@pytest.mark.parametrize("change", [("91.4", "93.4"), ("\n", "\r\n")])
def test_a_changed_page_is_found(board, change):
    path = write_leaderboard(board, "mini")
    path.write_bytes(path.read_bytes().replace(*(part.encode() for part in change)))
    found = check_leaderboard(board, "mini")
    assert found
    assert all(line.startswith(str(path)) for line in found)


def test_a_missing_page_is_found(board):
    files = ("index.html", "data.csv", "data.json", "table.tex")
    assert check_leaderboard(board, "mini") == [f"{board / 'mini' / name}: no such file" for name in files]
    assert check_index(board) == [f"{board / 'index.html'}: no such file"]


def test_the_index_links_every_suite(make, save, board):
    add_entry(save(make.sequential(suite="coin")), board)
    page = write_index(board).read_text(encoding="utf-8")
    assert 'href="mini/index.html"' in page
    assert 'href="coin/index.html"' in page


def test_an_empty_index_says_how_to_add(tmp_path):
    assert "No entries yet" in write_index(tmp_path).read_text(encoding="utf-8")


def test_columns_without_any_value_are_left_out(board):
    page = build_leaderboard(board, "mini")
    assert 'data-label="AP"' in page
    assert "AP w/o captions" not in page


def test_every_row_has_a_card_and_a_link_to_it(board):
    page = build_leaderboard(board, "mini")
    for name in ("smolora", "lora-seq", "lora-joint", "base"):
        assert f'href="#card-{name}"' in page
        assert f'<details id="card-{name}">' in page
    assert "inferred by the method" in page


def test_downloads_lie_beside_the_page_and_are_checked(board):
    folder = write_leaderboard(board, "mini").parent
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "data.csv", "data.json", "index.html", "table.tex",
    ]  # fmt: skip
    found = json.loads((folder / "data.json").read_text("utf-8"))
    assert [(row["rank"], row["runs"]) for row in found["rows"]] == [
        ("ref.", ["lora-joint"]), ("1", ["smolora"]), ("2", ["lora-seq"]), ("ref.", ["base"]),
    ]  # fmt: skip
    assert found["rows"][1]["metrics"]["ap"] == [91.4, 88.9, 93.9]
    assert r"$\mathbf{91.4}_{[88.9, 93.9]}$" in (folder / "table.tex").read_text("utf-8")
    (folder / "data.json").write_text("{}")
    assert check_leaderboard(board, "mini")[0].startswith(str(folder / "data.json"))


def test_a_tie_is_not_bold_in_latex(make, save, board):
    close = {"ap": 90.0, "map": 87.0, "bwt_tm1": -5.5, "forgetting": 5.5, "mif": 96.0, "unseen": 44.0}
    add_entry(save(make.better("twin", values=close)), board)
    assert r"\mathbf" not in (write_leaderboard(board, "mini").parent / "table.tex").read_text("utf-8")


def test_fifty_runs_stay_small(make, save, tmp_path):
    out = tmp_path / "boards"
    for at in range(50):
        values = {"ap": 50.0 + at, "map": 60.0, "bwt_tm1": -5.5, "forgetting": 5.5 + at, "mif": 96.0}
        save_json(
            entry_path(out, "mini", f"run-{at}"),
            entry_of(make.better(f"run-{at}", title=f"Method {at}", values=values)),
        )
    assert len(build_leaderboard(out, "mini").encode()) < 1_000_000


def test_formulas_in_names_do_not_run_in_a_spreadsheet(make, save, tmp_path):
    add_entry(save(make.sequential(title="=1+1")), tmp_path)
    assert ",'=1+1," in as_csv(load_entries(tmp_path, "mini"))


def test_scores_of_two_sources_share_no_table(make, board):
    for name in ("one", "two"):
        entry = published(make.better(name, title=f"Paper {name}"), source=f"Table of {name}")
        save_json(entry_path(board, "mini", name), entry)
    rest = build_leaderboard(board, "mini").split('id="published"')[1].split('id="legend"')[0]
    parts = rest.split('<section class="protocol"')[1:]
    assert ["Paper one" in part for part in parts] == [True, False]
    assert ["Paper two" in part for part in parts] == [False, True]
