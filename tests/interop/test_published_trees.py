"""Answer trees of the published benchmarks, on miniature copies of their data: imported and scored."""

import json
from pathlib import Path

import pytest

from cvit_bench.data.library import open_suite
from cvit_bench.data.samples import load_samples
from cvit_bench.evaluate.score import rescore
from cvit_bench.interop.importing import About, import_run
from tests.published import miniature

FOLDERS = {
    "coin": ("ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCRVQA"),
    "cvit": ("ScienceQA", "TextVQA", "Flickr30k", "ImageNet", "GQA", "VQAv2"),
    "ucit": ("ImageNet-R", "ArxivQA", "VizWiz", "IconQA", "CLEVR-Math", "Flickr30k"),
}


def _answers(suite: str, root: Path, task: str, right: bool) -> list[dict]:
    """Answer every question as the released scripts write it: prompt as published, gold or nonsense."""
    library, _ = open_suite(suite)
    return [
        {
            "question_id": sample.id,
            "prompt": sample.prompt or sample.question,
            "text": sample.answers[0] if right else "xyzzy",
            "answer_id": "k",
            "model_id": "llava",
            "metadata": {},
        }
        for sample in load_samples(library.task(task), "test", root)
    ]


def _place(tree: Path, suite: str, task: str, learned: str, at: int) -> Path:
    if suite == "coin":
        return tree / task / ("Finetune" if task == learned else learned)
    if suite == "cvit":
        return tree / f"{task}_single" / f"{learned}_smolora_single"
    return tree / "each_dataset" / task / f"LoRA-task{at + 1}"


@pytest.mark.parametrize(("suite", "format_"), [("coin", "coin"), ("cvit", "smolora"), ("ucit", "mcitlib")])
def test_old_answers_of_a_published_benchmark_are_scored(tmp_path, suite, format_):
    """The last task learned is answered right, all earlier ones are lost."""
    data, tree = tmp_path / "data", tmp_path / "tree"
    getattr(miniature, suite)(data)
    names = dict(zip(FOLDERS[suite], open_suite(suite)[1].train, strict=True))
    for at, learned in enumerate(names):
        for task in list(names)[: at + 1]:
            place = _place(tree, suite, task, learned, at)
            place.mkdir(parents=True)
            rows = _answers(suite, data, names[task], right=task == learned)
            (place / "merge.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_run(format_, tree, suite, tmp_path / "run", About(), data)
    found = rescore(tmp_path / "run", data)
    for at, row in enumerate(found.matrices.S[1:]):
        is_caption = found.tasks[at].answer_form == "sentence"
        assert row[at] > 0 or is_caption, "CIDEr of two samples with one text is 0"
        assert set(row[:at]) <= {0.0}
        assert set(row[at + 1 :]) <= {None}
    assert found.metric("bwt_tm1").value < 0
