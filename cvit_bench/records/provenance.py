"""What a provenance says at a place; files of others may hold anything there."""

from typing import Any


def part(values: Any, *keys: str) -> dict[str, Any]:
    """Return the mapping at a place inside others, empty where there is none."""
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}
