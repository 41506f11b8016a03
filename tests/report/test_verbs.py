import pytest
import typer
from typer.testing import CliRunner

from cvit_bench.cli.leaderboard import leaderboard
from cvit_bench.cli.report import report


@pytest.fixture
def call():
    """Give a function that runs the two verbs."""
    app = typer.Typer()
    app.command()(report)
    app.command()(leaderboard)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_report_prints_the_path_it_wrote(call, make, save):
    run_dir = save(make.zero_shot())
    done = call("report", "--run-dir", run_dir)
    assert (done.exit_code, done.stdout) == (0, f"{run_dir / 'report.html'}\n")


def test_leaderboard_adds_runs_and_prints_the_page(call, make, save, tmp_path):
    out = tmp_path / "boards"
    first, second = save(make.zero_shot()), save(make.multitask())
    done = call("leaderboard", "--add", first, "--add", second, "--out", out)
    assert (done.exit_code, done.stdout) == (0, f"{out / 'mini' / 'index.html'}\n")
    assert "added" in done.stderr
    assert (out / "index.html").exists()


def test_one_add_takes_many_runs(call, make, save, tmp_path):
    runs = [save(make.zero_shot()), save(make.multitask()), save(make.better())]
    done = call("leaderboard", "--out", tmp_path, "--add", *runs)
    assert (done.exit_code, done.stderr.count("added ")) == (0, 3)
    assert call("leaderboard", "--out", tmp_path, "--check", *runs).exit_code == 2


def test_an_added_run_joins_the_board_of_its_own_suite(call, make, save, tmp_path):
    done = call("leaderboard", "--add", save(make.zero_shot(suite="coin")), "--out", tmp_path)
    assert done.stdout == f"{tmp_path / 'coin' / 'index.html'}\n"


def test_check_says_what_differs_and_fails(call, board):
    assert call("leaderboard", "--out", board).exit_code == 0
    assert call("leaderboard", "--out", board, "--check").exit_code == 0
    page = board / "mini" / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("91.4", "99.4"), encoding="utf-8")
    done = call("leaderboard", "--out", board, "--check")
    assert done.exit_code == 1
    assert "99.4" in done.stdout
    assert "99.4" in page.read_text(encoding="utf-8")


def test_check_and_add_do_not_go_together(call, make, save, board):
    assert call("leaderboard", "--out", board, "--check", "--add", save(make.zero_shot())).exit_code == 2
