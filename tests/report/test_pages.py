"""What holds for every page: well formed, self-contained, safe, the same bytes every time."""

import re
from html.parser import HTMLParser

import pytest

from cvit_bench.records.entry import Entry, entry_of
from cvit_bench.records.load import save_json
from cvit_bench.records.results import RESULTS
from cvit_bench.report.adding import add_entry
from cvit_bench.report.entries import entry_path
from cvit_bench.report.leaderboard import build_index, build_leaderboard
from cvit_bench.report.run_report import build_run_report

HOSTILE = (
    """<script>alert(1)</script><img src=x onerror=alert(2)>"' --> ]]> {{ 7 * 7 }} </style></textarea>"""
)
VOID = {"meta", "link", "input", "br", "img", "hr"}
LOADS = {"src", "srcset", "data", "poster", "action", "xlink:href", "background"}


class Page(HTMLParser):
    """Reads a page; notes tags that do not close, and every place it could load from."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.reactions: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in LOADS or (name == "href" and tag != "a"):
                self.loads.append(value or "")
            if name.startswith("on"):
                self.reactions.append(name)
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def publish(out, results, **changes):
    """Write an entry of published figures."""
    fields = entry_of(results).model_dump() | {"kind": "published", "source": "Table 2"} | changes
    for metric in fields["metrics"]:
        metric.update(ci_low=None, ci_high=None)
    save_json(entry_path(out, results.suite, results.run), Entry.model_validate(fields))


@pytest.fixture(scope="module")
def hostile(make):
    """Give results whose every free text tries to break out."""
    plain = make.sequential("a-hostile")
    words = {"label": HOSTILE, "description": HOSTILE, "formula": HOSTILE}
    metrics = [metric.model_copy(update=words) for metric in plain.metrics]
    undefined = make.metric(None).model_copy(update={"reason": HOSTILE})
    tasks = [task.model_copy(update={"title": HOSTILE, "answer_form": HOSTILE}) for task in plain.tasks]
    changes = {
        "title": HOSTILE,
        "variants": (HOSTILE,),
        "tasks": tuple(tasks),
        "metrics": (*metrics, undefined),
        "provenance": {HOSTILE: {"deep": [HOSTILE, {HOSTILE: HOSTILE}]}},
    }
    return plain.model_copy(update=changes)


@pytest.fixture(scope="module")
def pages(make, hostile, tmp_path_factory):
    """Give the text of every kind of page, made once."""
    root = tmp_path_factory.mktemp("pages")
    made = [make.sequential(), make.multitask(), make.zero_shot(), make.better(), hostile]
    for results in made:
        save_json(root / results.run / RESULTS, results)
        add_entry(root / results.run, root / "boards")
    publish(root / "boards", make.better("paper"), title=HOSTILE, source=HOSTILE)
    reports = {results.run: build_run_report(results) for results in made}
    boards = {"board": build_leaderboard(root / "boards", "mini"), "index": build_index(root / "boards")}
    return reports | boards


@pytest.fixture(params=["lora-seq", "lora-joint", "base", "smolora", "a-hostile", "board", "index"])
def page(request, pages):
    """Give the text of one page."""
    return pages[request.param]


def test_tags_close_and_ids_are_unique(page):
    read = Page(page)
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))
    assert {"html", "head", "body", "main", "h1"} <= set(read.tags)


def test_nothing_is_loaded_and_nothing_runs_that_is_not_ours(page):
    read = Page(page)
    assert set(read.loads) <= {"data:,"}
    assert read.reactions == []
    assert read.tags.count("script") == (2 if "data-sortable" in page else 0)
    assert "img" not in read.tags
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(style) == 1
    assert "url(" not in style[0]
    assert "@import" not in style[0]


def test_a_policy_forbids_what_the_page_does_not_bring(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'")


@pytest.mark.parametrize("kind", ["a-hostile", "board", "index"])
def test_hostile_words_stay_words(kind, pages):
    page = pages[kind]
    assert "<script>alert" not in page
    assert "<img" not in page
    assert HOSTILE in Page(page).text


def test_hostile_words_stay_words_in_figures(hostile, pages):
    drawn = re.findall(r"<svg.*?</svg>", pages["a-hostile"], re.DOTALL)
    assert len(drawn) >= len(hostile.tasks)
    assert all("&lt;script&gt;alert(1)" in one for one in drawn)


def test_the_same_input_gives_the_same_bytes(make, board, pages):
    assert build_run_report(make.sequential()) == pages["lora-seq"]
    assert build_leaderboard(board, "mini") == build_leaderboard(board, "mini")


def test_every_table_has_a_caption_and_scoped_heads(page):
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert all("<caption" in table for table in tables)
    assert all("scope=" in head for table in tables for head in re.findall(r"<th[ >][^>]*", table))
