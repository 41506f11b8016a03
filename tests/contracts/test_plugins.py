"""Pieces from elsewhere: what an entry point or a dotted path names is loaded, or refused."""

import pytest

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError

POINTS = """[cvit_bench.scorers]
theirs = their_scorers.good
cut = their_scorers.cut
gone = their_scorers.gone
empty = their_scorers.empty
lacking = their_scorers.good:nothing
exact = their_scorers.good
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package of scorers with entry points, as pip would leave it."""
    for name, text in {"__init__": "", "good": "def score(): ...", "cut": "def (", "empty": ""}.items():
        path = tmp_path / "their_scorers" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    about = tmp_path / "their_scorers-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their_scorers\nVersion: 1\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.names.cache_clear()
    yield
    plugins.names.cache_clear()
    plugins.load.cache_clear()


def test_an_entry_point_adds_a_name(installed):
    assert "theirs" in plugins.names(plugins.SCORERS)
    assert hasattr(plugins.load(plugins.SCORERS, "theirs"), "score")
    assert plugins.load(plugins.SCORERS, "their_scorers.good") is plugins.load(plugins.SCORERS, "theirs")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cut", r"'cut': cannot be imported \(.*syntax"),
        ("gone", r"'gone': cannot be imported \(No module named 'their_scorers\.gone'\)"),
        ("empty", "'empty': the module defines no `score`"),
        ("lacking", r"'lacking': cannot be imported \(.*'nothing'\)"),
        ("their_scorers.cut", r"'their_scorers\.cut': cannot be imported \(.*syntax"),
        ("their_scorers.empty", "the module defines no `score`"),
        ("exact", r"'exact': stands for cvit_bench\.scorers\.exact and their_scorers\.good"),
        ("theris", "unknown scorer 'theris'.*Did you mean 'theirs'"),
    ],
)
def test_what_cannot_be_loaded_is_named(installed, name, said):
    with pytest.raises(CvitBenchError, match=said):
        plugins.load(plugins.SCORERS, name)
