"""Charts as SVG text: geometry that depends on no font, colours that follow the page.

Axis titles, panel titles and keys are HTML around the SVG: the browser wraps and reads them, and the same
values give the same bytes wherever they are drawn.
"""

import io
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

ACCENT = "var(--accent)"
SECOND = "var(--second)"
PAPER = "var(--paper)"


@dataclass(frozen=True)
class Frame:
    """Size of the plot, and the room for the labels of its axes."""

    width: int
    height: int
    left: int
    bottom: int


def as_svg(layers: Any, frame: Frame, label: str) -> Markup:
    """Draw a layered chart into a frame; `label` says what it shows to those who cannot see it."""
    text = io.StringIO()
    _framed(layers, frame).save(text, format="svg")
    opening = f'<svg role="graphics-document" aria-label="{escape(label)}"'
    drawn = text.getvalue().replace("<svg", opening, 1).replace('class="marks"', 'class="chart"', 1)
    return Markup(drawn)


def _framed(layers: Any, frame: Frame) -> Any:
    """Fix every size: left to itself, the chart would measure its labels with the fonts of this machine."""
    import altair as alt

    sized = layers.properties(
        width=frame.width,
        height=frame.height,
        padding={"left": frame.left, "right": 12, "top": 10, "bottom": frame.bottom},
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
    )
    return sized.configure_view(stroke=None).configure_axis(
        labelColor="currentColor",
        labelFontSize=12,
        labelPadding=6,
        labelOverlap=False,
        labelFlush=False,
        gridColor="var(--line)",
        domain=False,
        ticks=False,
    )
