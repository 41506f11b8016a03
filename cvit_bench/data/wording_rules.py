"""What a wording may do: name its variables, choose, count, and walk over them. Nothing else is needed.

A sandbox keeps a template from Python's objects, not from the machine's memory or time: `{{ 'x' * 10**10 }}`
is legal there. So a wording may hold only these parts of the template language, whose work and text are
bounded by the sample they are given.
"""

from collections.abc import Iterator

from jinja2 import nodes

MAX_DEPTH = 2
MAX_FILTERS = 4
FILTERS = ("capitalize", "count", "first", "join", "last", "length", "lower", "title", "trim", "upper")
LOOP = ("first", "index", "index0", "last", "length")

_PARTS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.For, nodes.If,
    nodes.Assign, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test,
    nodes.Filter, nodes.Getattr, nodes.Getitem, nodes.Slice,
)  # fmt: skip


def forbidden(tree: nodes.Template) -> Iterator[str]:
    """Yield what a parsed wording holds that it may not."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _PARTS):
            yield f"{type(node).__name__.lower()} is not allowed in a wording"
    for attribute in tree.find_all(nodes.Getattr):
        if not _is_of_loop(attribute):
            yield f".{attribute.attr} is not allowed in a wording (known: loop.{', loop.'.join(LOOP)})"
    filters = list(tree.find_all(nodes.Filter))
    for one in filters:
        if one.name not in FILTERS:
            yield f"filter {one.name!r} is not allowed in a wording (known: {', '.join(FILTERS)})"
        elif not all(isinstance(value, nodes.Const) for value in one.args) or one.kwargs:
            yield f"filter {one.name!r} takes plain texts only in a wording"
    if len(filters) > MAX_FILTERS:
        yield f"{len(filters)} filters; a wording may hold {MAX_FILTERS}"
    if _depth(tree) > MAX_DEPTH:
        yield f"loops {_depth(tree)} deep; a wording may go {MAX_DEPTH} deep"


def _is_of_loop(attribute: nodes.Getattr) -> bool:
    node = attribute.node
    return isinstance(node, nodes.Name) and node.name == "loop" and attribute.attr in LOOP


def _depth(node: nodes.Node) -> int:
    return isinstance(node, nodes.For) + max((_depth(inner) for inner in node.iter_child_nodes()), default=0)
