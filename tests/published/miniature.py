"""Miniature copies of the published benchmarks: their folders, file names and formats, a few samples a task.

Everything is made up here: questions, answers, and one-coloured pictures of 24 × 16 pixels.
`python -m tests.published.miniature cvit FOLDER` writes one to look at.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

NUM_TRAIN, NUM_TEST = 4, 2
COLOURS = ("red", "green", "blue", "gray", "teal", "brown")
OTHER = {"tabby cat": "fig", "3": "4", "no": "yes"}
SENTENCE = "What is seen?\nUse a sentence."
BRIEFLY, LETTER = "\nSay it in a word.", "\nGive the letter."
BOX = "Where is the red one? Four numbers from 0 to 1."
TYPES = {
    BRIEFLY: (BRIEFLY, "\nA single word will do.", "\nKeep it to one word."),
    LETTER: (LETTER, "\nThe letter alone, please.", "\nWhich letter is it?"),
    BOX: (
        BOX,
        "Box the red one, as four numbers from 0 to 1.",
        "From 0 to 1, what four numbers frame the red one?",
    ),
}
"""Instructions of one meaning: a setting with several types has all of them, sample by sample."""


class Writer:
    """Writes files below a root; every picture has a colour of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = 0

    def json(self, name: str, content: object) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")

    def picture(self, folder: str, name: str) -> str:
        self._count += 1
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = tuple(self._count * step % 256 for step in (37, 91, 149))
        Image.new("RGB", (24, 16), shade).save(path)
        return name


def train_row(image: str | None, question: str, answer: str, **more: object) -> dict:
    """Return a row of a train file; without a picture the row names none."""
    mark = "<image>\n" if image else ""
    turns = [{"from": "human", "value": mark + question}, {"from": "gpt", "value": answer}]
    return {**more, **({"image": image} if image else {}), "conversations": turns}


def question_row(name: object, image: str | None, question: str, **more: object) -> dict:
    """Return a row of a question file."""
    return {"question_id": name, **({"image": image} if image else {}), "text": question, **more}


def cvit(root: Path) -> None:
    """Write `CVIT_benchmark/Instructions_Single` and `dataset`."""
    write, folder = Writer(root), "CVIT_benchmark/Instructions_Single"
    _scienceqa(write, folder, "dataset")
    _textvqa(write, folder, "dataset")
    captions = [f"A {colour} wall stands in the sun." for colour in COLOURS[:5]]
    for task, test in (("Flickr30k", captions), ("TextCaps", captions[:2])):
        trained = task == "Flickr30k"
        _task(
            write,
            folder,
            "dataset",
            task,
            SENTENCE,
            captions[0],
            test,
            "val",
            trained,
        )
    _task(write, folder, "dataset", "ImageNet", "What is it?" + BRIEFLY, "tabby cat", "tabby cat", "test")
    _task(write, folder, "dataset", "GQA", "Is it red?" + BRIEFLY, "no", "no", "test")
    _task(write, folder, "dataset", "VQAv2", "How many?" + BRIEFLY, "2", "2", "val")
    _task(write, folder, "dataset", "VizWiz", "What can?" + BRIEFLY, "", "unanswerable", "val", False)
    _task(write, folder, "dataset", "OCRVQA", "Who wrote it?" + BRIEFLY, "", "A. Uthor", "test", False)
    _places(write, folder)


def coin(root: Path, setting: str = "Instructions_Original") -> None:
    """Write `playground/<setting>` and `cl_dataset`."""
    write, folder = Writer(root), f"playground/{setting}"
    _scienceqa(write, folder, "cl_dataset")
    _textvqa(write, folder, "cl_dataset")
    _task(write, folder, "cl_dataset", "ImageNet", "What is it?" + BRIEFLY, "tabby cat", "tabby cat", "test")
    _task(write, folder, "cl_dataset", "GQA", "Is it red?" + BRIEFLY, "no", "no", "test")
    _task(write, folder, "cl_dataset", "VizWiz", "What can?" + BRIEFLY, "soup", "soup", "val")
    _grounding(write, folder)
    _task(write, folder, "cl_dataset", "VQAv2", "How many?" + BRIEFLY, "2", "2", "val")
    _task(write, folder, "cl_dataset", "OCRVQA", "Who wrote it?" + BRIEFLY, "A. Uthor", "A. Uthor", "test")
    for at, path in enumerate(sorted((root / folder).glob("*/*.json"))):
        if setting != "Instructions_Original":
            _reword(path, at // 2 if setting == "Instructions_Diverse" else None)


def _reword(path: Path, kind: int | None) -> None:
    """Ask by other instructions: of one kind for a task, or of another one sample by sample."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    for at, row in enumerate(rows):
        place, key = (row["conversations"][0], "value") if "conversations" in row else (row, "text")
        for plain, several in TYPES.items():
            if place[key].endswith(plain):
                place[key] = place[key].removesuffix(plain) + several[(at if kind is None else kind) % 3]
                break
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def ucit(root: Path) -> None:
    """Write `UCIT/instructions` and `UCIT/datasets`."""
    write, folder, images = Writer(root), "UCIT/instructions", "UCIT/datasets"
    for task, train, question, answer in (
        ("ImageNet-R", "train", "What is it?" + BRIEFLY, "tabby cat"),
        ("ArxivQA", "train_4w", "Which?\nA) up\nB) down" + LETTER, "B"),
        ("IconQA", "train", "What is next?" + BRIEFLY, "star"),
        ("CLEVR", "train_4w", "How many are left?" + BRIEFLY, "3"),
    ):
        _task(write, folder, images, task, question, answer, answer, "test_3000", train=train)
    for task, train in (("VizWiz", "train"), ("Flickr30k", "train_brief_4w")):
        said = "A red wall stands in the sun."
        _task(
            write,
            folder,
            images,
            task,
            SENTENCE,
            said,
            said,
            "test_3000",
            train=train,
        )
        rows = json.loads((root / folder / task / "test_3000.json").read_text())
        names = [Path(row["image"]).name for row in rows]
        listed = [{"id": at, "file_name": name} for at, name in enumerate(names, start=1)]
        said_of = [{"image_id": one["id"], "caption": said} for one in listed for _ in range(2)]
        write.json(f"{folder}/{task}/val_coco_type_3000.json", {"images": listed, "annotations": said_of})


def _task(
    write: Writer,
    folder: str,
    images: str,
    task: str,
    question: str,
    said: str,
    answer: str | list[str],
    test: str,
    trained: bool = True,
    train: str = "train",
) -> None:
    def pictures(split: str, num: int) -> Iterator[str]:
        return (write.picture(images, f"{task}/{split}/{at}.jpg") for at in range(num))

    if trained:
        rows = [
            train_row(image, question, OTHER.get(said, said) if at % 2 else said)
            for at, image in enumerate(pictures("train", NUM_TRAIN))
        ]
        write.json(f"{folder}/{task}/{train}.json", rows)
    asked = [
        question_row(at, image, question, answer=answer)
        for at, image in enumerate(pictures("test", NUM_TEST))
    ]
    write.json(f"{folder}/{task}/{test}.json", asked)


def _scienceqa(write: Writer, folder: str, images: str) -> None:
    """Write problems 1 … of both parts, every second one without a picture."""
    problems, parts = {}, {"train": [], "val": [], "test": []}
    for at in range(NUM_TRAIN + NUM_TEST):
        name, part = str(at + 1), "train" if at < NUM_TRAIN else "test"
        image = write.picture(images, f"ScienceQA/{part}/{name}/image.png") if at % 2 == 0 else None
        problems[name] = {
            "question": f"Which is number {at}?", "choices": ["up", "down"], "answer": at % 2, "hint": "",
            "image": image and "image.png", "task": "closed choice", "grade": "grade2", "split": part,
            "lecture": "", "solution": "",
        }  # fmt: skip
        parts[part].append(name)
    write.json(f"{images}/ScienceQA/problems.json", problems)
    write.json(f"{images}/ScienceQA/pid_splits.json", parts)

    def shown(name: str) -> tuple[str | None, str]:
        one = problems[name]
        image = f"ScienceQA/{one['split']}/{name}/image.png" if one["image"] else None
        return image, f"{one['question']}\nA. up\nB. down{LETTER}"

    train = [train_row(*shown(name), "AB"[problems[name]["answer"]], id=name) for name in parts["train"]]
    test = [question_row(name, *shown(name), answer="AB"[problems[name]["answer"]]) for name in parts["test"]]
    write.json(f"{folder}/ScienceQA/train.json", train)
    write.json(f"{folder}/ScienceQA/test.json", test)


def _textvqa(write: Writer, folder: str, images: str) -> None:
    _task(write, folder, images, "TextVQA", "What brand?" + BRIEFLY, "acme", "acme", "val")
    rows = [
        {
            "question_id": at,
            "image_id": str(at),
            "question": "what brand?",
            "answers": [*["acme"] * 9, "acne"],
        }
        for at in range(NUM_TEST)
    ]
    about = {"dataset_type": "val", "dataset_name": "textvqa", "dataset_version": "0.5.1", "data": rows}
    write.json(f"{images}/TextVQA/TextVQA_0.5.1_val.json", about)


def _places(write: Writer, folder: str) -> None:
    names = [(place, f"Places365/train/{place}{at}.jpg") for place in ("beach", "attic") for at in range(10)]
    question = "Which place?" + BRIEFLY
    rows = [train_row(write.picture("dataset", name), question, place) for place, name in names]
    write.json(f"{folder}/Places365/train_10shot.json", rows)
    _task(write, folder, "dataset", "Places365", "Which place?" + BRIEFLY, "", "attic", "val", False)


def _grounding(write: Writer, folder: str) -> None:
    box, question = "[0.12, 0.30, 0.56, 0.78]", BOX
    names = [
        write.picture("cl_dataset", f"COCO2014/train2014/COCO_train2014_{at:012d}.jpg")
        for at in range(NUM_TRAIN + NUM_TEST)
    ]
    train = [train_row(name, question, box, question_id=at) for at, name in enumerate(names[:NUM_TRAIN])]
    test = [
        question_row(at, name, question, answer_bbox=box, size=[24, 16])
        for at, name in enumerate(names[NUM_TRAIN:])
    ]
    write.json(f"{folder}/Grounding/train.json", train)
    write.json(f"{folder}/Grounding/test.json", test)


if __name__ == "__main__":
    {"cvit": cvit, "coin": coin, "ucit": ucit}[sys.argv[1]](Path(sys.argv[2]))
