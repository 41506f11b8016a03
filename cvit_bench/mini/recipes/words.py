"""Printed words: the lists that the recipes draw from, and how a word is set in a real font."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.pictures import SIDE, Mark

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

    from cvit_bench.mini.recipes.sources import Sources


def _listed(*lines: str) -> list[str]:
    return " ".join(lines).split()


READ = _listed(
    "milk rain gold door lamp road wolf hand king salt wind farm desk fork jump quiz yard vest",
    "exit open shop taxi park menu cafe bank tea ice zoo gym spa hat box jam egg sun",
)
"""The words of the reading task."""

SIGNS = _listed(
    "stop slow sale free help push pull wait home news pier camp film mint soup cold luck vote",
    "knot wax dry hop run mud",
)
"""The words on the signs of the unseen captions."""

EXTRA = _listed(
    "book cake time zinc jade wave yoga oval flux hymn grid plum echo dusk navy bolt crew foam",
    "kiwi lynx pony raft tusk veil",
)
"""Words that only the base model's own training shows."""

FONTS = [
    "DejaVuSans-Bold.ttf",
    "DejaVuSans.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSans-BoldOblique.ttf",
    "STIXGeneralBol.ttf",
    "cmss10.ttf",
]


class Type:
    """The fonts, opened once per size."""

    def __init__(self, sources: Sources) -> None:
        self._folder = sources.fonts()
        self._open: dict[tuple[str, int], FreeTypeFont] = {}

    def font(self, name: str, size: int) -> FreeTypeFont:
        """Open one font at a size in pixels."""
        from PIL import ImageFont

        if (name, size) not in self._open:
            self._open[name, size] = ImageFont.truetype(str(self._folder / name), size)
        return self._open[name, size]

    def fitting(self, name: str, text: str, width: int, largest: int = 30) -> FreeTypeFont:
        """Open the font at the largest size, up to a limit, that sets the text within a width."""
        size = largest
        while size > 8 and self.font(name, size).getlength(text) > width:
            size -= 1
        return self.font(name, size)


def letters(
    text: str, font: FreeTypeFont, centre: tuple[float, float], turn: float = 0.0
) -> tuple[Image, list[Mark]]:
    """Set a word around a centre: its mask (64, 64), and a mark for every letter."""
    import PIL.Image
    import PIL.ImageChops
    import PIL.ImageDraw

    left = centre[0] - font.getlength(text) / 2
    whole = PIL.Image.new("L", (SIDE, SIDE))
    marks = []
    for place, letter in enumerate(text):
        mask = PIL.Image.new("L", (SIDE, SIDE))
        across = left + font.getlength(text[:place])
        PIL.ImageDraw.Draw(mask).text((across, centre[1]), letter, fill=255, font=font, anchor="lm")
        mask = mask.rotate(turn, PIL.Image.Resampling.BICUBIC, center=centre)
        whole = PIL.ImageChops.lighter(whole, mask)
        marks.append(Mark(letter.lower(), mask))
    return whole, marks


def cased(word: str, rng: np.random.Generator) -> str:
    """Write a word small, in capitals or with a capital."""
    draw = rng.random()
    return word if draw < 0.6 else word.upper() if draw < 0.85 else word.capitalize()
