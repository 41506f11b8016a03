"""Work that is told of before its turn."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def one_ahead(items: Iterable[Item], tell: Callable[[Item], None]) -> Iterator[Item]:
    """Yield items in order; of each one `tell` hears before the one ahead of it is at work."""
    at_work: list[Item] = []
    for item in items:
        tell(item)
        yield from at_work
        at_work = [item]
    yield from at_work
