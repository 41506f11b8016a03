"""Published figures: whole, in agreement with the metrics or with a reason, and standing apart."""

import json
import re
from pathlib import Path

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.published import Published
from cvit_bench.report.leaderboard import build_leaderboard, write_index
from cvit_bench.report.published import (
    BWT_TOLERANCE,
    MEAN_TOLERANCE,
    Checked,
    published_table,
    published_tables,
    read_published,
)

BOARDS = Path(__file__).parents[2] / "leaderboards"
RECORDS = {record.protocol: record for record in read_published(BOARDS)}


def mismatches(table):
    """Return where print and computation disagree without a reason, or a reason stands where they agree."""
    found = []
    for row in table.rows:
        for label, checked in zip(table.labels, row.aggregates, strict=True):
            if checked.agrees == (checked.reason is not None):
                found.append(
                    f"{table.about.protocol}: {row.row.method}: {label}: printed {checked.printed}, "
                    f"recomputed {checked.recomputed}, reason: {checked.reason}"
                )
    return found


def copied(tmp_path, name, **changes):
    """Write a committed protocol into a folder of leaderboards, changed."""
    path = tmp_path / "published" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.loads((BOARDS / "published" / path.name).read_text("utf-8"))
    path.write_text(json.dumps(data | changes), "utf-8")
    return path


def test_every_figure_was_carried_over():
    rows = [row for record in RECORDS.values() for row in record.rows]
    matrices = [matrix for record in RECORDS.values() for matrix in record.matrices]
    assert (len(rows), len(matrices)) == (98, 18)
    assert {record.suite for record in RECORDS.values()} >= {"cvit", "cvit-multi", "coin", "ucit"}
    assert all(row.source and row.evidence for row in (*rows, *matrices))


@pytest.mark.parametrize("protocol", RECORDS)
def test_printed_aggregates_agree_with_their_scores_or_say_why_not(protocol):
    assert mismatches(published_table(RECORDS[protocol])) == []


def test_how_much_of_the_print_is_checked():
    tables = [published_table(record) for record in RECORDS.values()]
    checked = [value for table in tables for row in table.rows for value in row.aggregates]
    compared = [value for value in checked if value.printed is not None and value.recomputed is not None]
    assert len(compared) == 18 + 34 + 8 + 1 + 32
    assert sum(not value.agrees for value in compared) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"printed": {"AP": 83.5}}, "printed 83.5, recomputed 83.44"),
        ({"mismatch": {"AP": "who knows"}}, "who knows"),
    ],
)
def test_a_wrong_figure_and_a_needless_excuse_are_found(change, said):
    record = RECORDS["cvit-single"]
    rows = [row.model_copy(update=change) if row.method == "SMoLoRA" else row for row in record.rows]
    found = mismatches(published_table(record.model_copy(update={"rows": tuple(rows)})))
    assert len(found) == 1
    assert said in found[0]


def test_one_task_gives_no_backward_transfer():
    row = {
        "method": "x",
        "base": "",
        "source": "s",
        "evidence": "primary",
        "printed": {"AP": 1, "MFT": 2, "BWT": 0},
    }
    record = Published(suite="s", protocol="p", title="t", setting="s", tasks=("a",), order="o", mean="AP",
                       bwt="T-1", rows=(row,))  # fmt: skip
    (line,) = published_table(record).rows
    assert line.aggregates[-1] == Checked(0, None, BWT_TOLERANCE)


def test_the_edge_of_rounding_agrees():
    assert Checked(1.0, 1.0 + MEAN_TOLERANCE - 1e-9).agrees
    assert not Checked(1.0, 1.0 + MEAN_TOLERANCE + 1e-9).agrees


def test_one_table_a_protocol(board, tmp_path):
    copied(board, "cvit-single", suite="mini")
    copied(board, "coin-hide", suite="mini")
    page = build_leaderboard(board, "mini")
    runs, published = page.split('id="published"')
    assert re.findall(r'<h3 id="([^"]+)"', published) == ["coin-hide", "cvit-single"]
    assert "83.44" in published
    assert "83.44" not in runs
    for part in published.split('<section class="protocol"')[1:]:
        assert part.count('class="board figures"') == 1


def test_a_suite_may_have_published_figures_alone(tmp_path):
    copied(tmp_path, "cvit-single")
    page = build_leaderboard(tmp_path, "cvit")
    assert "its scores give 46.17" in page
    assert 'id="runs"' not in page
    index = write_index(tmp_path).read_text("utf-8")
    assert 'href="cvit/index.html"' in index
    assert "ScienceQA, TextVQA" in index


def test_a_recovered_matrix_says_over_how_many_tasks(tmp_path):
    copied(tmp_path, "coin-slim")
    (table,) = published_tables(tmp_path, "coin")
    plain = next(found for found in table.matrices if "normaltrain" in found.matrix.run)
    assert plain.metrics["AP"] == pytest.approx(29.8043, abs=6e-5)
    assert "Metrics over the 7 tasks with figures." in build_leaderboard(tmp_path, "coin")


LINE = {"method": "x", "base": "", "source": "s"}
WIDE = {"run": "x", "base": "", "source": "s", "evidence": "primary", "tasks": ["a"], "stages": ["a"]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "other"}, "must be the file's name 'cvit-single'"),
        ({"tasks": ["ScienceQA"]}, "unknown task 'TextVQA'"),
        ({"rows": [LINE | {"evidence": "hearsay"}]}, "evidence"),
        ({"rows": [LINE | {"evidence": "primary", "printed": {"APP": 1}}]}, "Did you mean 'AP'"),
        ({"matrices": [WIDE | {"values": [[1, 2]]}]}, "a row has not 1 cells"),
    ],
)
def test_faults_are_named_with_the_file(tmp_path, changes, said):
    path = copied(tmp_path, "cvit-single", **changes)
    with pytest.raises(CvitBenchError, match="cvit-single") as caught:
        read_published(tmp_path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_hostile_names_stay_text(tmp_path):
    hostile = "<script>alert(1)</script>"
    row = {"method": hostile, "base": hostile, "source": hostile, "evidence": "primary", "note": hostile}
    copied(
        tmp_path,
        "cvit-single",
        title=hostile,
        setting=hostile,
        rows=[row, row | {"source": "b", "base": "b"}],
    )
    assert hostile not in build_leaderboard(tmp_path, "cvit")
