"""The benchmark of pages at its smallest: it makes real pages and says how long and how large."""

import re

from benchmarks import pages


def test_every_figure_of_a_small_report_and_board_is_there(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # where no browser is
    assert pages.main(["--samples", "20", "--runs", "2"]) == 0
    out = capsys.readouterr().out
    rows = dict([cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()[2:])
    assert list(rows) == [
        "report of 20 samples × 7 stages: made", "… report.html", "… largest page of samples",
        "… report.html: opened", "… page of samples: opened",
        "leaderboard of 2 runs: made", "… size", "… opened",
    ]  # fmt: skip
    assert re.fullmatch(
        r"[\d.]+ s; again, its pictures there, [\d.]+ s", rows["report of 20 samples × 7 stages: made"]
    )
    assert all(float(rows[name].removesuffix(" MB")) > 0.01 for name in ("… report.html", "… size"))
    assert rows["… opened"] == "not measured: no playwright or no Chromium"
