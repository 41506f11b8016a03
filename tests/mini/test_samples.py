"""The page of samples is one file, escaped, with every embedded task."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvit_bench.mini.build import PLANS
from cvit_bench.mini.samples import SHOWN, main


def test_every_task_is_shown_on_one_page(tmp_path: Path) -> None:
    out = tmp_path / "samples.html"
    assert main(["--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert all(f"<h2>{name}</h2>" in text for name in PLANS)
    assert text.count("<img ") == text.count("data:image/png;base64,") == SHOWN * len(PLANS)
    assert "http" not in text
    assert "picture&#39;s width" in text


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "no" / "samples.html")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
