"""Answer files of the miniatures as released scripts write them: the task learned last is answered right."""

import json
from pathlib import Path

from cvit_bench.data.library import open_suite
from cvit_bench.data.samples import load_samples

FOLDERS = {
    "coin": ("ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCRVQA"),
    "cvit": ("ScienceQA", "TextVQA", "Flickr30k", "ImageNet", "GQA", "VQAv2"),
    "ucit": ("ImageNet-R", "ArxivQA", "VizWiz", "IconQA", "CLEVR-Math", "Flickr30k"),
}


def write_tree(suite: str, data: Path, tree: Path) -> None:
    """Write the answers of every stage to every task that it had learned."""
    names = dict(zip(FOLDERS[suite], open_suite(suite)[1].train, strict=True))
    for at, learned in enumerate(names):
        for task in list(names)[: at + 1]:
            rows = _answers(suite, data, names[task], right=task == learned)
            place = _place(tree, suite, task, learned, at)
            place.mkdir(parents=True)
            (place / "merge.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _answers(suite: str, root: Path, task: str, right: bool) -> list[dict]:
    """Answer every question: prompt as published, gold or nonsense."""
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
