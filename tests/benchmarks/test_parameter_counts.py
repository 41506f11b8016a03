"""Counts of a small LLaVA by hand; the published sizes where there is time for them."""

import pytest

from benchmarks import parameter_counts
from benchmarks.parameter_counts import METHODS, PUBLISHED, SIZES, Count, Size, count

SMALL = Size(width=32, inner=48, layers=2, heads=2)
RANK, EXPERTS = 128, 8
TEXT = 2 * (4 * (32 + 32) + 3 * (32 + 48))
"""Widths in and out of all linear layers of the small language model."""
INPUTS = 2 * (6 * 32 + 48)
PROJECTOR = (1024 + 32) + (32 + 32)
FULL_PROJECTOR = 1024 * 32 + 32 + 32 * 32 + 32


def expected(method):
    if method == "lora":
        return Count(RANK * (TEXT + PROJECTOR))
    if method == "moelora":
        return Count(RANK * TEXT + EXPERTS * INPUTS + FULL_PROJECTOR)
    outputs = TEXT - INPUTS
    if method == "branchlora":
        return Count(RANK // EXPERTS * INPUTS + RANK * outputs + EXPERTS * INPUTS + FULL_PROJECTOR)
    if method == "hydralora":
        inputs, outputs = INPUTS + 1024 + 32, outputs + 32 + 32
        return Count(RANK // EXPERTS * inputs + RANK * outputs + EXPERTS * inputs)
    inputs, outputs = 2 * (2 * 32 + 48) + 1024 + 32, 2 * (2 * 48 + 32) + 32 + 32
    learning = RANK * (inputs + outputs) + 2 * outputs
    layers = 2 * 3 + 2
    return Count(learning + EXPERTS // 2 * (inputs + layers * 384), learning)


@pytest.mark.parametrize("method", METHODS)
def test_counts_follow_the_widths(method):
    wanted = expected(method)
    assert count(method, SMALL) == Count(wanted.all, wanted.learning or wanted.all)


def test_table_and_exit_status(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(SIZES, "7B", SMALL)
    monkeypatch.setitem(PUBLISHED, ("smolora", "7B"), expected("smolora"))
    arguments = ["--bases", "7B", "--methods", "smolora", "lora", "--markdown", str(tmp_path / "counts.md")]
    assert parameter_counts.main(arguments) == 0
    text = capsys.readouterr().out
    assert text == (tmp_path / "counts.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 4
    assert text.count("pass") == 1
    monkeypatch.setitem(PUBLISHED, ("smolora", "7B"), Count(1))
    assert parameter_counts.main(arguments) == 1
    assert "fail" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("method", "base"), PUBLISHED)
def test_published_counts(method, base):
    found, wanted = count(method, SIZES[base]), PUBLISHED[method, base]
    assert found.all == wanted.all
    assert wanted.learning in (None, found.learning)
