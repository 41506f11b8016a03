import re

import pytest

from cvit_bench.report.render import ASSETS, flat, interval, number, stage_name


@pytest.mark.parametrize(
    ("value", "text"),
    [(57.72, "57.7"), (-54.8, "−54.8"), (0.0, "0.0"), (-0.04, "0.0"), (None, "–"), (118.3, "118.3")],
)
def test_numbers(value, text):
    assert number(value) == text


def test_intervals():
    assert interval(-57.3, 2.25) == "−57.3 to 2.2"
    assert interval(None, 2.0) == ""


def test_a_stage_is_not_numbered_twice():
    assert stage_name("01-fruit", 1) == "fruit"
    assert stage_name("01-fruit", 2) == "01-fruit"
    assert stage_name("base", 0) == "base"


def test_nested_values_become_dotted_rows():
    values = {"a": {"b": 1, "c": [1, 2]}, "d": None, "e": [{"f": True}, {"f": False}], "g": {}, "h": []}
    assert flat(values) == [
        ("a.b", "1"),
        ("a.c", "1, 2"),
        ("d", "–"),
        ("e.0.f", "yes"),
        ("e.1.f", "no"),
        ("g", "–"),
        ("h", "–"),
    ]


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours of the light page and of the dark one."""
    blocks = re.findall(r":root \{(.*?)\}", (ASSETS / "style.css").read_text(), re.DOTALL)
    read = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    return dict(zip(("light", "dark"), read, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it."""
    lights = sorted((luminance(one), luminance(other)), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("step", range(11))
def test_text_on_every_heat_colour_is_readable(scheme, step):
    colours = palettes()[scheme]
    ink = colours["on-low" if step <= 6 else "on-high"]
    assert contrast(colours[f"h{step}"], ink) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "raised"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "accent", "second", "warn"])
def test_text_on_every_ground_is_readable(scheme, ground, ink):
    colours = palettes()[scheme]
    assert contrast(colours[ground], colours[ink]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_oracle_badge_is_readable(scheme):
    colours = palettes()[scheme]
    assert contrast(colours["warn-paper"], colours["warn"]) >= 4.5
