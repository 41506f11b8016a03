"""Answer trees of the published benchmarks, on miniature copies of their data: imported and scored."""

import pytest

from cvit_bench.evaluate.score import rescore
from cvit_bench.interop.importing import import_run
from cvit_bench.interop.placing import About
from tests.published import miniature
from tests.published.old_answers import write_tree


@pytest.mark.parametrize(("suite", "format_"), [("coin", "coin"), ("cvit", "smolora"), ("ucit", "mcitlib")])
def test_old_answers_of_a_published_benchmark_are_scored(tmp_path, suite, format_):
    """The last task learned is answered right, all earlier ones are lost."""
    data, tree = tmp_path / "data", tmp_path / "tree"
    getattr(miniature, suite)(data)
    write_tree(suite, data, tree)
    import_run(format_, tree, suite, tmp_path / "run", About(), data)
    found = rescore(tmp_path / "run", data)
    for at, row in enumerate(found.matrices.S[1:]):
        is_caption = found.tasks[at].answer_form == "sentence"
        assert row[at] > 0 or is_caption, "CIDEr of two samples with one text is 0"
        assert set(row[:at]) <= {0.0}
        assert set(row[at + 1 :]) <= {None}
    assert found.metric("bwt_tm1").value < 0
