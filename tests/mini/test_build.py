"""The recipes make the committed data again, and say what they miss."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cvit_bench.mini.build import DATA, PLANS, build, main, shown
from cvit_bench.mini.recipes.sources import Sources
from cvit_bench.records.files import sha256_file

VARIABLE = "CVIT_BENCH_MINI_SOURCES"
with_sources = pytest.mark.skipif(
    VARIABLE not in os.environ, reason=f"{VARIABLE} names no folder of source packages"
)


def hashes(folder: Path) -> dict[str, str]:
    files = [path for name in PLANS for path in (folder / name).iterdir()]
    return {str(path.relative_to(folder)): sha256_file(path) for path in sorted(files)}


@pytest.mark.slow
@with_sources
def test_every_committed_file_is_made_again_bit_for_bit(tmp_path: Path) -> None:
    build(Sources(Path(os.environ[VARIABLE])), tmp_path)
    made = hashes(tmp_path)
    assert sum(name.endswith(".parquet") for name in made) == 2 * len(PLANS)
    assert made == hashes(DATA)


@pytest.mark.slow
@with_sources
def test_one_task_made_alone_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ["--sources", os.environ[VARIABLE], "--out", str(tmp_path), "--only", "mini_numbers"]
    assert main(said) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mini_numbers"]
    for split in ("train", "test"):
        place = Path("mini_numbers") / f"{split}.parquet"
        assert sha256_file(tmp_path / place) == sha256_file(DATA / place)
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("name", PLANS)
def test_a_missing_source_is_one_line_that_names_the_install_command(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    said = ["--sources", str(tmp_path / "empty"), "--out", str(tmp_path / "out"), "--only", name]
    assert main(said) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("source '")
    assert any(command in line for command in ("pip install ", "npm install ", "apt-get install "))


def test_an_unknown_task_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--sources", str(tmp_path), "--only", "mini_nothing"])
    assert "mini_nothing" in capsys.readouterr().err


def test_what_the_other_tasks_show_is_known() -> None:
    assert len(shown(["mini_numbers"])) == PLANS["mini_numbers"].train + PLANS["mini_numbers"].test
