"""Country outlines of Natural Earth, read from world-atlas and drawn in one colour."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cvit_bench.mini.recipes.pictures import SIDE, Mark, ink, pale

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from cvit_bench.mini.recipes.sources import Sources

GROUPS = [
    ["Italy", "Chile", "India", "Australia"],
    ["Brazil", "Egypt", "Japan", "Norway"],
    ["Mexico", "Cuba", "Vietnam", "Madagascar"],
    ["Spain", "Somalia", "Turkey", "Thailand"],
]
"""Sixteen countries with telling outlines, in the groups in which they are offered as options."""

COUNTRIES = [name for group in GROUPS for name in group]
FINE = 4

Ring = list[tuple[float, float]]


class Atlas:
    """The outlines, decoded once."""

    def __init__(self, sources: Sources) -> None:
        table = json.loads(sources.atlas().read_text(encoding="utf-8"))
        arcs = _arcs(table)
        found = {entry["properties"]["name"]: entry for entry in table["objects"]["countries"]["geometries"]}
        self.rings = {name: _rings(found[name], arcs) for name in COUNTRIES}


def _arcs(table: dict[str, Any]) -> list[Ring]:
    """Undo the delta coding of the file's lines: degrees of longitude and latitude."""
    (wide, high), (west, south) = table["transform"]["scale"], table["transform"]["translate"]
    lines = []
    for arc in table["arcs"]:
        across = up = 0
        line = []
        for step_across, step_up in arc:
            across, up = across + step_across, up + step_up
            line.append((across * wide + west, up * high + south))
        lines.append(line)
    return lines


def _rings(entry: dict[str, Any], arcs: list[Ring]) -> list[Ring]:
    """Join a country's arcs into closed rings; a negative number is an arc run backwards."""
    polygons = entry["arcs"] if entry["type"] == "MultiPolygon" else [entry["arcs"]]
    rings = []
    for polygon in polygons:
        line: Ring = []
        for number in polygon[0]:
            line += arcs[number] if number >= 0 else arcs[~number][::-1]
        rings.append(line)
    widest, largest = max(map(_extent, rings)), max(map(_area, rings))
    return [ring for ring in rings if _extent(ring) > 0.3 * widest and _area(ring) > 0.02 * largest]


def _extent(ring: Ring) -> float:
    return (
        max(x for x, _ in ring) - min(x for x, _ in ring) + max(y for _, y in ring) - min(y for _, y in ring)
    )


def _area(ring: Ring) -> float:
    """Return the area within a ring, in square degrees (the shoelace formula)."""
    return abs(sum(x * after[1] - after[0] * y for (x, y), after in pairwise([*ring, ring[0]]))) / 2


def outline(rings: list[Ring], side: int, turn: float) -> Image:
    """Draw rings as a mask whose longer side is `side` pixels, turned by degrees."""
    import PIL.Image
    import PIL.ImageDraw

    middle = math.radians(sum(y for ring in rings for _, y in ring) / sum(map(len, rings)))
    flat = [[(x * math.cos(middle), -y) for x, y in ring] for ring in rings]
    points = [point for ring in flat for point in ring]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    wide, high = max(x for x, _ in points) - left, max(y for _, y in points) - top
    scale = side * FINE / max(wide, high)
    mask = PIL.Image.new("L", (round(wide * scale) + 2, round(high * scale) + 2))
    for ring in flat:
        corners = [((x - left) * scale, (y - top) * scale) for x, y in ring]
        PIL.ImageDraw.Draw(mask).polygon(corners, fill=255)
    turned = mask.rotate(turn, PIL.Image.Resampling.BILINEAR, expand=True)
    small = (max(1, turned.width // FINE), max(1, turned.height // FINE))
    return turned.resize(small, PIL.Image.Resampling.BOX)


def chart(atlas: Atlas, country: str, colour: str, rng: np.random.Generator) -> tuple[Image, Mark]:
    """Draw one country in one colour on a pale canvas, at a drawn size, turn and place."""
    import PIL.Image

    shape = outline(atlas.rings[country], int(rng.integers(42, 57)), float(rng.uniform(-6, 6)))
    left = int(rng.integers(0, max(1, SIDE - shape.width + 1)))
    top = int(rng.integers(0, max(1, SIDE - shape.height + 1)))
    cover = PIL.Image.new("L", (SIDE, SIDE))
    cover.paste(shape, (left, top))
    picture = pale(rng)
    picture.paste(ink(colour, rng), (0, 0), cover)
    return picture, Mark(country, cover)
