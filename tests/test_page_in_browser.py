"""The report in a real browser: it opens from disk, asks for nothing, and answers to clicks and keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import PHONE, browser, opened
from ttc.commands.cli import main
from ttc.report.console import make_console
from ttc.store import Folder
from ttc.studies.compare import compare

WILD = "</script><script>window.__hacked = 1</script><img src=x onerror='window.__hacked = 1'>\u202e"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of fakes."""
    place = tmp_path_factory.mktemp("study")
    fakes = ["policy=fake", "prm=fake", "cluster=none", f"results_dir={place}", "name=study"]
    grid = ["strategy=greedy,best_of_n,beam,dvts", "n=1,4,16", "seeds=[0,1]", "dataset.limit=20"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTC_CACHE", "off")
        assert main(["run", "-m", *grid, *fakes]) == 0
    return place / "study"


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Someone else's run, whose every text is wild, one of them 1 MB long."""
    place = tmp_path_factory.mktemp("wild")
    texts = [f"{WILD}\n\n\\boxed{{7}}", f"{WILD}{'x' * 10**6}\n\n\\boxed{{{WILD}}}"]
    row = {"problem": WILD, "answer": "7", "unique_id": WILD, "level": 1, "completions": texts}
    row |= {"scores": [[0.5, 0.6], [0.7, 0.8]], "agg_scores": [0.6, 0.8]}
    (place / "wild.jsonl").write_text(json.dumps(row) + "\n")
    words = ["strategy=sal_best_of_n", "name=wild", f"results_dir={place}"]
    assert main(["import", "sal", str(place / "wild.jsonl"), *words]) == 0
    assert main(["report", str(place / "wild")]) == 0
    return place / "wild" / "report.html"


@pytest.fixture(scope="module")
def chromium(folder: Path, wild: Path) -> Iterator[Any]:
    """The reports are there before it: Playwright's loop would be in the way of a launch's."""
    with browser() as found:
        yield found


@pytest.fixture
def page(chromium: Any, folder: Path) -> Iterator[Any]:
    with opened(chromium, folder / "report.html") as page:
        page.wait_for_selector("html[data-ready]")
        yield page


def test_the_curve_changes_its_axis_and_a_click_isolates_a_line(page):
    plot = page.locator("#study .plot svg").first
    assert "generated tokens" in plot.text_content()
    page.get_by_role("group", name="x axis").get_by_role("button", name="n", exact=True).click()
    assert "generated tokens" not in plot.text_content()
    ticks = plot.locator("[aria-label='x-axis tick label'] text").all_text_contents()
    assert ticks == ["1", "4", "16"]
    beam = page.locator("#study .legend button[data-line=beam]")
    beam.click()
    pressed = "#study .legend button[aria-pressed=true]"
    assert page.locator(pressed).all_text_contents() == ["beam"]
    faint = plot.locator("[aria-label=line][stroke-opacity='0.12']").count()
    beam.click()
    assert (faint, plot.locator("[aria-label=line][stroke-opacity='0.12']").count()) == (2, 0)
    assert page.locator(pressed).count() == 4


def test_hovering_shows_the_cell_with_its_interval(page):
    plot = page.locator("#study .plot svg").first
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 30)
    tip = plot.locator("[aria-label=tip] text").text_content()
    assert re.search(r"at 16, weighted/last.*\d % \(\d+\.\d to \d+\.\d\)", tip)


def test_two_cells_are_compared_as_the_command_does(page, folder):
    page.get_by_label("compare", exact=True).select_option(label="dvts at 4, weighted/last")
    page.get_by_label("with", exact=True).select_option(label="best_of_n at 16, majority")
    said = page.locator("#pair .result").text_content().replace("−", "-")
    frame = compare(Folder(folder), ["best_of_n@16:majority", "dvts@4:weighted/last"], make_console())
    row = frame.iloc[1]
    low, difference, high = (
        f"{100 * row[key]:+.1f}" for key in ("difference_low", "difference", "difference_high")
    )
    assert f"{difference} points ({low} to {high})" in said
    better = page.locator("#pair .columns > div").first.locator("button")
    assert better.count() == row["better"]


def test_the_map_is_filtered_by_level_and_a_click_opens_the_problem(page):
    canvas = page.locator("#misses canvas")
    whole = canvas.bounding_box()["height"]
    page.get_by_label("level", exact=True).select_option("3")
    page.wait_for_timeout(100)
    assert canvas.bounding_box()["height"] < whole
    canvas.click(position={"x": 170, "y": canvas.bounding_box()["height"] - 12})
    chosen = page.get_by_label("problem", exact=True).evaluate("list => list.selectedOptions[0].text")
    assert "level 3" in chosen


def test_a_tree_opens_is_scrubbed_and_stands_beside_another(page):
    page.locator("#trees").scroll_into_view_if_needed()
    page.wait_for_selector("#trees .ttc-tree")
    scrubber = page.locator("#trees input[type=range]").first
    last = scrubber.input_value()
    scrubber.focus()
    page.keyboard.press("ArrowLeft")
    assert int(scrubber.input_value()) == int(last) - 1
    page.get_by_label("beside", exact=True).select_option("dvts")
    page.locator("#trees .ttc-tree").nth(1).wait_for()
    page.get_by_role("button", name="the next problem").click()
    page.locator("#trees .ttc-tree").nth(1).wait_for()


def test_nothing_is_wider_than_a_phone_and_dark_is_dark(chromium, folder):
    with opened(chromium, folder / "report.html", PHONE, color_scheme="dark") as page:
        page.wait_for_selector("html[data-ready]")
        page.locator("#trees").scroll_into_view_if_needed()
        page.wait_for_selector("#trees .ttc-tree")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        background = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(background)
        page.get_by_role("button", name="light or dark").click()
        assert page.evaluate(background) == "rgb(255, 255, 255)" != dark


def test_what_models_wrote_never_runs(chromium, wild):
    with opened(chromium, wild) as page:
        page.wait_for_selector("html[data-ready]")
        page.locator("#trees").scroll_into_view_if_needed()
        page.wait_for_selector("#trees .ttc-tree")
        assert page.evaluate("window.__hacked") is None
        assert "⟨U+202E⟩" in page.locator("main").text_content()
        assert page.locator("main img, main script").count() == 0
