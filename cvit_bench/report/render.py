"""The one place where pages are made from templates: escaping, number formats, the inlined assets."""

import base64
import hashlib
import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cvit_bench.report.heatmap import step

ASSETS = Path(__file__).resolve().parent / "assets"
UNDEFINED = "–"
_MINUS = "−"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def render(template: str, **values: Any) -> str:
    """Return the text of one page; every value is escaped unless it is Markup of our own making."""
    return _environment().get_template(template).render(**values)


def number(value: float | None) -> str:
    """Write a percentage with one decimal and a true minus sign; "–" where there is none."""
    if value is None or math.isnan(value):
        return UNDEFINED
    text = f"{value:.1f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", _MINUS)


def exact(value: float | None) -> str:
    """Write a published figure with the two decimals it was printed with."""
    return UNDEFINED if value is None else f"{value:.2f}".replace("-", _MINUS)


def interval(low: float | None, high: float | None) -> str:
    """Write a 95 % interval as `60.1 to 66.7`; nothing where there is none."""
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def score_step(value: float) -> int:
    """Return the colour of a score in percent; from 100 on (CIDEr) it is the darkest."""
    return step(value, 100.0)


def stage_name(name: str, at: int) -> str:
    """Drop the number that a stage's name begins with (`01-fruit`) where the number is shown beside it."""
    return name.removeprefix(f"{at:02d}-")


def flat(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Turn nested values into rows of a dotted key and a text, in the order given."""
    if isinstance(values, dict) and values:
        return [
            row for key, inner in values.items() for row in flat(inner, f"{prefix}.{key}" if prefix else key)
        ]
    if isinstance(values, list | tuple) and any(isinstance(inner, dict | list) for inner in values):
        return [row for at, inner in enumerate(values) for row in flat(inner, f"{prefix}.{at}")]
    return [(prefix, _plain(values))]


def script_digest(name: str) -> str:
    """Return the hash by which a page's content policy allows its one script."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _printable(value: Any) -> Any:
    """Replace what no page may hold: control characters and halves of surrogate pairs."""
    if not isinstance(value, str) or not _UNPRINTABLE.search(value):
        return value
    return type(value)(_UNPRINTABLE.sub("\ufffd", value))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value) or UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNDEFINED if value is None or value == {} else str(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    environment.filters |= {
        "number": number,
        "exact": exact,
        "score_step": score_step,
        "interval": interval,
        "flat": flat,
        "stage_name": stage_name,
    }
    environment.globals["script_digest"] = script_digest
    return environment
