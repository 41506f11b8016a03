"""Pages of samples: the toy run's answers along the stages, hostile text, pictures, and what goes missing."""

import itertools
import json

from PIL import Image

from cvit_bench.cli.report import sample_source
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.family import Placement
from cvit_bench.report import sample_pages
from cvit_bench.report.run_report import write_run_report
from cvit_bench.report.sample_rows import read_losses, task_rows

OPTIONS = {"placement": Placement()}


def report(toy):
    """Evaluate the toy run, write its report, return the folder of its pages."""
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, **OPTIONS))
    write_run_report(toy.run_dir, sample_source(toy.run_dir, toy.data))
    return toy.run_dir / "report"


def test_rows_hold_the_answers_of_every_stage(toy):
    results = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, **OPTIONS))
    source, losses = sample_source(toy.run_dir, toy.data), read_losses(toy.run_dir, results)
    found = task_rows(toy.run_dir, results, "fruit", source, losses)
    assert found.trained_at == 1
    assert [sum(row.answers[at].right for row in found.rows) for at in range(4)] == [1, 4, 2, 1]
    assert found.judged
    assert [sum(not row.answers[at].form for row in found.rows) for at in range(4)] == [1, 0, 1, 3]
    assert sorted(row.lost.stage for row in found.rows if row.lost) == [2, 2, 3]
    assert {row.references for row in found.rows} == {("apple",), ("pear",), ("plum",), ("fig",)}


def test_a_report_links_its_samples(toy):
    folder = report(toy)
    page = (toy.run_dir / "report.html").read_text()
    assert 'href="report/fruit-1.html"' in page
    assert '<a href="report/fruit-1.html#lost=2">2</a>' in page
    text = (folder / "fruit-1.html").read_text()
    assert text.count("<tr id=") == 4
    assert text.count('data-lost="2"') == 2


def test_long_tasks_take_several_pages_and_old_ones_go(toy, monkeypatch):
    monkeypatch.setattr(sample_pages, "PAGE", 3)
    folder = report(toy)
    assert sorted(path.name for path in folder.glob("fruit*")) == ["fruit-1.html", "fruit-2.html"]
    assert "Samples 4 to 4 of 4" in (folder / "fruit-2.html").read_text()
    monkeypatch.undo()
    write_run_report(toy.run_dir, sample_source(toy.run_dir, toy.data))
    assert sorted(path.name for path in folder.glob("fruit*")) == ["fruit-1.html"]


HOSTILE = [
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "\"'><b>", "\u202eevil\u202c",
    "\x00\x1b[31m", "\U0001f600", "x" * 100_000, "{{ 7 * 7 }}", "javascript:alert(1)",
]  # fmt: skip


def test_hostile_answers_stay_text(toy):
    script = json.loads(toy.script("03-count").read_text())["answers"]
    toy.edit_script("03-count", answers=dict(zip(script, itertools.cycle(HOSTILE), strict=False)))
    folder = report(toy)
    assert len(script) > len(HOSTILE)
    for path in folder.glob("*.html"):
        text = path.read_text()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>" not in text.partition("<tbody>")[2]
        assert "\x00" not in text
        assert len(text) < 60_000


def test_pictures_are_drawn_anew_and_small(toy):
    folder = report(toy)
    pictures = list((folder / "pictures").iterdir())
    assert pictures
    for path in pictures:
        with Image.open(path) as image:
            assert max(image.size) <= 224


def test_without_its_data_a_report_says_so_and_has_no_samples(toy, capsys):
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, **OPTIONS))
    (toy.data / "fruit" / "test.jsonl").unlink()
    assert sample_source(toy.run_dir, toy.data) is None
    assert "fruit/test.jsonl: no such file" in capsys.readouterr().err
    write_run_report(toy.run_dir)
    assert not (toy.run_dir / "report").exists()
