"""The pages in a real browser: sorting, filtering, scripts off, silence on the network."""

import shutil

import pytest

from cvit_bench.cli.report import sample_source
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.report.adding import add_entry
from cvit_bench.report.leaderboard import write_index, write_leaderboard
from cvit_bench.report.run_report import write_run_report

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api")

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser():
    """Give a headless browser, or skip where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture
def visit(browser):
    """Give a function that opens a file; whatever it asks for or complains about fails the test."""
    noise, contexts = [], []

    def opened(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        folder = path.parent.as_uri()
        page.on("request", lambda asked: asked.url.startswith(folder) or noise.append(asked.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [line for line in noise if not line.startswith("data:")] == []


def names(page):
    return page.locator("table[data-sortable] tbody tr:visible .name").all_inner_texts()


HOSTILE = (
    "<script>window.owned = 1</script>",
    "</script><img src=x onerror=window.owned=1>",
    "\" onmouseover=window.owned=1 x='",
    "\u202eright to left\u202c\u0000 null",
    "{{ 7 * 7 }} {% raw %} ${window.owned = 1}",
    "😀" * 50 + "x" * 100_000,
)
BY_AP = ["LoRA, all tasks together", "SMoLoRA", "LoRA, one task after another", "Untouched base"]


def test_a_click_sorts_and_says_so(board, visit):
    page = visit(write_leaderboard(board, "mini"))
    assert names(page) == BY_AP
    heading = page.locator("th", has_text="Forgetting").first
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(page)[:2] == ["LoRA, one task after another", "SMoLoRA"]
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(page)[:2] == ["SMoLoRA", "LoRA, one task after another"]
    assert page.locator("[aria-sort]").count() == 1


def test_the_box_filters_rows(board, visit):
    page = visit(write_leaderboard(board, "mini"))
    page.get_by_label("Filter").fill("inferred")
    assert names(page) == ["SMoLoRA"]
    assert page.get_by_role("status").inner_text() == "1 of 4"


def test_two_rows_are_compared(board, visit):
    page = visit(write_leaderboard(board, "mini"))
    assert not page.locator("#compare").is_visible()
    page.get_by_label("compare SMoLoRA").check()
    page.get_by_label("compare LoRA, one task after another").check()
    rows = page.locator("#compare tbody tr")
    said = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()}
    assert said["AP"][2:] == ["−33.7", "SMoLoRA is ahead"]
    assert said["Forgetting"][2:] == ["+49.9", "SMoLoRA is ahead"]
    assert said["Seeing"][1].split("\n")[0] == "−38.4"
    assert said["Seeing"][2:] == ["–", "no interval here"]
    assert said["Sketches"][2:] == ["−23.0", "SMoLoRA is ahead"]
    assert "43.0 to 48.0" in said["Sketches"][0]
    assert said["Short captions"][3] == "LoRA, one task after another is ahead"
    page.get_by_label("compare Untouched base").check()
    assert not page.get_by_label("compare SMoLoRA").is_checked()
    assert page.locator("#compare thead th").nth(2).inner_text() == "Untouched base"


def test_a_method_opens_its_card(board, visit):
    page = visit(write_leaderboard(board, "mini"))
    assert page.locator("#card-smolora").get_attribute("open") is None
    page.get_by_role("link", name="SMoLoRA").click()
    assert page.locator("#card-smolora dl").is_visible()


def test_hostile_entries_stay_text(make, save, tmp_path, visit):
    for at, hostile in enumerate(HOSTILE):
        provenance = {"base": {"path": hostile}, "training": {"method": hostile, hostile[:40]: hostile[:200]}}
        results = make.better(f"run-{at}", title=hostile[:300], provenance=provenance)
        add_entry(save(results), tmp_path / "boards")
    page = visit(write_leaderboard(tmp_path / "boards", "mini"))
    assert page.locator("#runs-table tbody tr").count() == len(HOSTILE)
    assert page.locator("script").count() == 2
    page.locator(".pick input").nth(0).check()
    page.locator(".pick input").nth(1).check()
    assert page.locator("#compare").is_visible()
    assert page.evaluate("window.owned") is None


def test_without_scripts_the_board_is_sorted_and_whole(board, visit):
    page = visit(write_leaderboard(board, "mini"), java_script_enabled=False)
    assert names(page) == BY_AP
    assert page.locator("th button").count() == 0
    assert not page.get_by_label("Filter").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(board, visit, make, save, scheme):
    pages = [write_leaderboard(board, "mini"), write_index(board), write_run_report(save(make.multitask()))]
    for path in pages:
        page = visit(path, color_scheme=scheme)
        for width in (1280, 768, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_formulas_open_without_scripts(visit, make, save):
    page = visit(write_run_report(save(make.zero_shot())), java_script_enabled=False)
    formula = page.locator(".card code").first
    assert not formula.is_visible()
    page.locator(".card summary").first.click()
    assert formula.is_visible()


@pytest.fixture
def fruit(toy):
    """Give the page of a task's samples."""
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    write_run_report(toy.run_dir, sample_source(toy.run_dir, toy.data))
    return toy.run_dir / "report" / "fruit-1.html"


def test_samples_are_chosen_by_outcome_and_by_when_they_were_lost(fruit, visit):
    page = visit(fruit)
    rows, status = page.locator(".samples tbody tr:visible"), page.get_by_role("status")
    assert rows.count() == 4
    page.get_by_label("Lost").select_option("2")
    assert status.inner_text() == "2 of 4"
    page.get_by_label("Lost").select_option("some")
    page.get_by_label("At the last stage").select_option("wrong-broken")
    assert rows.count() == 3
    page.get_by_label("Text").fill("plum")
    assert rows.count() == 1
    page.goto(f"{fruit.as_uri()}#lost=3")
    page.reload()
    assert status.inner_text() == "1 of 4"


def test_pictures_show_and_samples_are_whole_without_scripts(fruit, visit):
    page = visit(fruit, java_script_enabled=False)
    assert page.locator(".samples tbody tr:visible").count() == 4
    assert not page.get_by_label("Lost").is_visible()
    page = visit(fruit)
    page.locator(".samples img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.samples img').naturalWidth > 0", timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_usable_without_sight_or_mouse(board, make, save, fruit, browser, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    pages = [
        write_leaderboard(board, "mini"),
        write_index(board),
        write_run_report(save(make.sequential())),
        fruit,
    ]
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    for path in pages:
        page = context.new_page()
        page.goto(path.as_uri())
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] != "minor"] == [], path
    context.close()
