"""Show what the embedded tasks ask on one page: `python -m cvit_bench.mini.samples --out FILE.html`.

The page is one static file with its pictures inside; it holds the first samples of every test split, each
with its answer and the prompt that the first variant of its template makes.
"""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from cvit_bench.data.library import Library, open_library
from cvit_bench.data.prompts import render
from cvit_bench.data.samples import load_samples
from cvit_bench.records.task import Task

SHOWN = 12
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Samples of the embedded tasks</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
ol { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
ol { list-style: none; padding: 0; }
li { border: 1px solid #8886; border-radius: 6px; overflow-wrap: anywhere; padding: .75rem; }
img { display: block; height: 160px; image-rendering: pixelated; width: 160px; }
p { margin: .5rem 0 0; }
pre { font-size: .8rem; margin: .5rem 0 0; white-space: pre-wrap; }
</style>
<h1>Samples of the embedded tasks</h1>
{% for task, samples in tasks %}
<section>
<h2>{{ task.name }}</h2>
<p>{{ task.description }}</p>
<ol>
{% for sample in samples %}
<li><img src="data:image/png;base64,{{ sample.picture }}" alt="{{ sample.id }}">
<p>{{ sample.question }}</p>
<p><strong>{{ sample.answers | join(" / ") }}</strong></p>
<pre>{{ sample.prompt }}</pre></li>
{% endfor %}
</ol>
</section>
{% endfor %}
</html>
"""


def page(library: Library) -> str:
    """Return the page of every embedded task, in the order of their names."""
    tasks = [library.task(name) for name in sorted(library.tasks)]
    shown = [(task, _samples(library, task)) for task in tasks if task.source == "embedded"]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(PAGE).render(tasks=shown)


def _samples(library: Library, task: Task) -> list[dict[str, object]]:
    template = library.template(task.template)
    return [
        {
            "id": sample.id,
            "picture": base64.b64encode(sample.picture.read()).decode() if sample.picture else "",
            "question": sample.question,
            "answers": sample.answers,
            "prompt": render(template.name, template.variants[0], sample),
        }
        for sample in load_samples(task, "test", limit=SHOWN)
    ]


def main(argv: list[str] | None = None) -> int:
    """Write the page from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cvit_bench.mini.samples", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(argv)
    try:
        arguments.out.write_text(page(open_library()), encoding="utf-8")
    except OSError as error:
        print(f"{arguments.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
