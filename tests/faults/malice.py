"""Files that mean harm, each with what must come of them; provoked like faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.faults.faults import (
    Fault,
    Harm,
    data,
    edit_json,
    in_template,
    lines,
    manifest,
    put,
    replace,
    results,
    seen,
    task,
)

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
SCRIPT = "</td><script>alert(1)</script><img src=x onerror=alert(1)>"
BOARD = ("leaderboard", "--out", "{root}/leaderboards")


def secret(toy: Any) -> Any:
    """Return a file outside of everything, which must neither be shown nor changed."""
    return toy.root.parent / "secret.txt"


def link(of: Callable[[Any], Any]) -> Harm:
    """Put a link to the secret in the place of a file."""

    def harm(toy: Any) -> None:
        of(toy).unlink(missing_ok=True)
        of(toy).symlink_to(secret(toy))

    return harm


def link_to_empty(toy: Any) -> None:
    """Put a link to an empty file elsewhere in the place of answers."""
    secret(toy).with_name("empty").write_text("")
    lines(toy).unlink()
    lines(toy).symlink_to(secret(toy).with_name("empty"))


def link_to_nothing(toy: Any) -> None:
    """Put a link to a name elsewhere in the place of answers."""
    lines(toy).unlink()
    lines(toy).symlink_to(secret(toy).with_name("nothing"))


def in_stage(**changes: Any) -> Harm:
    """Change keys of the manifest's first stage."""

    def harm(toy: Any) -> None:
        content = json.loads(manifest(toy).read_text())
        content["stages"][0] |= changes
        manifest(toy).write_text(json.dumps(content))

    return harm


def in_data(**changes: Any) -> Harm:
    """Change keys of the first sample."""

    def harm(toy: Any) -> None:
        first, *others = data(toy).read_text().splitlines(keepends=True)
        data(toy).write_text(json.dumps({**json.loads(first), **changes}) + "\n" + "".join(others))

    return harm


def entry(**changes: Any) -> Harm:
    """Put an entry on a leaderboard, with some keys changed."""

    def harm(toy: Any) -> None:
        from cvit_bench.records.entry import entry_of
        from cvit_bench.records.load import load_json
        from cvit_bench.records.results import Results

        found = entry_of(load_json(results(toy), Results)).model_dump(mode="json")
        path = toy.root / "leaderboards" / "toy" / "entries" / "scripted.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**found, **changes}))

    return harm


def deep(of: Callable[[Any], Any]) -> Harm:
    """Nest a file a hundred thousand deep."""
    return put(of, b"[" * 100_000)


MALICE = [
    Fault(
        "template: the globals of a function",
        in_template("{{ cycler.__init__.__globals__ }}"),
        says="not allowed",
    ),
    Fault(
        "template: attributes by a filter",
        in_template("{{ question | attr('__class__') }}"),
        says="not allowed",
    ),
    Fault("template: another file", in_template("{% include '/etc/passwd' %}"), says="not allowed"),
    Fault(
        "template: a macro that calls itself",
        in_template("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
        says="not allowed",
    ),
    Fault(
        "template: loops in loops",
        in_template(3 * "{% for a in question %}" + "x" + 3 * "{% endfor %}"),
        says="loops 3 deep",
    ),
    Fault(
        "template: text padded to a billion",
        in_template("{{ question | center(1000000000) }}"),
        says="not allowed",
    ),
    Fault(
        "template: Python's format", in_template("{{ '{0.__class__}'.format(question) }}"), says="not allowed"
    ),
    Fault(
        "task: a tag that calls Python",
        replace(task, "title: Fruit", "title: !!python/object/apply:os.system ['x']"),
        says="fruit.yaml:",
    ),
    Fault("task: nested a hundred thousand deep", deep(task), says="nested too deeply"),
    Fault("task: a name that is a path", replace(task, "name: fruit", "name: ../../fruit"), says="name"),
    seen("task: terminal sequences in its title", replace(task, "title: Fruit", 'title: "\\e]0;owned\\a"')),
    Fault("manifest: a stage name that is a path", in_stage(name="../../x"), says="stages.0.name"),
    Fault(
        "manifest: a suite that is a file elsewhere",
        edit_json(manifest, suite="../secret.txt"),
        says="secret.txt",
    ),
    Fault(
        "manifest: a checkpoint that is a file elsewhere",
        in_stage(checkpoint="../../../secret.txt"),
        says="secret.txt",
    ),
    Fault(
        "manifest: an embedded base that is a path",
        edit_json(manifest, base={"path": "embedded:../../../secret.txt"}),
        says="secret",
    ),
    Fault("manifest: terminal sequences in a key", edit_json(manifest, **{ESCAPE: 1}), says="unknown key"),
    Fault("manifest: terminal sequences in its title", edit_json(manifest, title=ESCAPE), code=0),
    Fault("manifest: nested a hundred thousand deep", deep(manifest), says="manifest.json"),
    Fault(
        "manifest: a number of a hundred thousand digits",
        put(manifest, b'{"seed": ' + b"9" * 100_000 + b"}"),
        says="manifest.json",
    ),
    Fault("data: a picture outside the data", in_data(image="../../../secret.txt"), says="test.jsonl"),
    Fault("data: a picture by its full path", in_data(image="/etc/passwd"), says="test.jsonl"),
    Fault("data: a picture with a null character in its name", in_data(image="a\0b"), says="test.jsonl"),
    Fault(
        "data: a picture on the network",
        in_data(image="http://localhost:9/x.png"),
        says="x.png: image cannot be read",
    ),
    Fault("data: nested a hundred thousand deep", deep(data), says="test.jsonl"),
    Fault("data: terminal sequences in an unknown key", in_data(**{ESCAPE: 1}), says="test.jsonl"),
    Fault("run: answers that are a link to a file elsewhere", link(lines), code=0),
    Fault(
        "run: answers that are a link to an empty file elsewhere",
        link_to_empty,
        says="v0.jsonl: cannot be written",
    ),
    Fault(
        "run: answers that are a link to where nothing is yet",
        link_to_nothing,
        says="v0.jsonl: cannot be written",
    ),
    Fault(
        "run: the lock is a link to a file elsewhere",
        link(lambda toy: toy.run_dir / ".lock"),
        says=".lock: cannot be written",
    ),
    Fault("run: results that are a link to a file elsewhere", link(results), code=0),
    Fault("entry: a name that is a path", entry(name="../../x"), BOARD, says="name"),
    Fault("entry: the suite of another folder", entry(suite="../x"), BOARD, says="suite"),
    Fault("entry: a title with a script", entry(title=SCRIPT), BOARD, 0),
    Fault("entry: a title with terminal sequences", entry(title=ESCAPE), BOARD, 0),
    Fault("entry: a title that is a formula", entry(title='=HYPERLINK("http://localhost")'), BOARD, 0),
]
