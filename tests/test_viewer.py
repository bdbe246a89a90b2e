"""The tree viewer in a real browser: nothing that a model wrote runs, the keyboard and the scrubber move."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import PHONE, browser, opened
from ttc.report.page import HERE, LIBRARIES, VIEWER

SCRIPTS = (*LIBRARIES, *VIEWER)
STYLES = ("vendor/katex.css", "tree.css")
RUN = "window.__hacked = true"

HOSTILE = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror='{RUN}'>",
    f"<svg onload='{RUN}'>",
    "<iframe srcdoc='<script>parent.__hacked = true</script>'>",
    rf"$\href{{javascript:{RUN}}}{{x}}$",
    rf"\(\url{{javascript:{RUN}}}\)",
    r"$\htmlStyle{position:fixed}{x}\htmlId{a}{y}\htmlData{a=b}{z}$",
    r"$$\includegraphics{http://localhost/x.png}$$",
    rf"$\text{{<img src=x onerror='{RUN}'>}}$",
    r"\boxed{\rule{9999em}{9999em}\kern-9999em}",
    r"$\def\a{\a\a}\a$",
    r"$\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b\b\b\b}\c\c\c\c\c$",
    "$" + "{" * 1900 + "}" * 90 + "$",
    "$" * 5001,
    "\\boxed{" * 9000,
    "\\(" * 9000 + "$a " * 9000,
    "a\u202eb\u2066c\u200fd\u0000e\u001bf\u2028g\ud800h\U000e0041",
    "Z" + "\u0335" * 3000,
    "x" * 1_000_000,
    "",
    " \n\n",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the viewer alone, under the policy of the report."""
    scripts = [(HERE / name).read_text() for name in SCRIPTS]
    styles = "".join((HERE / name).read_text() for name in STYLES)
    sums = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in sums)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; font-src data:"
    )
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>trees</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{styles}</style>'
        f"<div id=one></div><div id=two></div>{''.join(f'<script>{script}</script>' for script in scripts)}"
    )
    return file


@pytest.fixture
def page(chromium: Any, file: Path) -> Iterator[Any]:
    with opened(chromium, file) as page:
        yield page


def node(address: str, *texts: str, fate: str = "kept", **other: Any) -> dict[str, Any]:
    scores = [0.5 if text.strip() else None for text in texts]
    known = {"parent": address.rpartition("/")[0], "first": 0, "texts": texts, "scores": scores, "tokens": 7}
    return {"address": address, "fate": fate, "returned": fate == "over"} | known | other


def leaf(address: str, answer: str | None, right: bool | None, group: int, **other: Any) -> dict[str, Any]:
    known = {"path": address, "copy": 0, "finish": "eos", "scores": {"last": 0.5}, "tokens": 7}
    return {"address": address, "answer": answer, "right": right, "group": group} | known | other


def vote(name: str, agg: str | None, winner: int, *totals: float, **other: Any) -> dict[str, Any]:
    known = {"headline": False, "upper_bound": False, "answer": "42", "right": True}
    return {"vote": name, "agg": agg, "winner": winner, "totals": totals} | known | other


def tree(nodes: list[Any], leaves: list[Any], votes: list[Any], **other: Any) -> dict[str, Any]:
    names = {"line": "beam", "problem_id": "p", "question": "What is $6 \\cdot 7$?", "gold": "42"}
    state = {"level": 1, "status": "done", "reason": None}
    return {"nodes": nodes, "leaves": leaves, "votes": votes} | names | state | other


BEAM = tree(
    [
        node("0", "a"),
        node("0/0", "b", fate="cut"),
        node("0/1", "c"),
        node("0/1/0", "so $x = 42$", fate="over"),
        node("0/1/1", "d", "e", fate="over"),
        node("1", "f", fate="cut"),
        node("2", "g", fate="over", returned=False),
    ],
    [leaf("0/1/0", "42", True, 0), leaf("0/1/1", "41", False, 1)],
    [
        vote("weighted", "last", 1, 0.4, 0.6, answer="41", right=False, headline=True),
        vote("majority", None, 0, 1, 1),
        vote("best", "last", -1, None, None, answer=None, right=False),
    ],
)
"""Four columns: the problem; 0, 1, 2; 0/0, 0/1; 0/1/0 and 0/1/1, whose second step is alone in the fourth."""


def draw(page: Any, tree: dict[str, Any], where: str = "one", **options: Any) -> None:
    """JSON's escapes carry what no channel would, half a character among it."""
    code = """([where, tree, options]) => {
        window.views ??= {};
        window.told = [];
        const onSelect = (place) => window.told.push(place);
        const container = document.getElementById(where);
        window.views[where] = ttc.treeView(container, JSON.parse(tree), { onSelect, ...options });
    }"""
    page.evaluate(code, [where, json.dumps(tree), options])


def click(page: Any, selector: str, place: int = 0) -> None:
    """On what it is, wherever that stands and whatever lies over it."""
    page.locator(selector).nth(place).dispatch_event("click", {"bubbles": True})


def visible(page: Any, text: str) -> str:
    return str(page.evaluate("(text) => ttc.visible(JSON.parse(text))", json.dumps(text)))


def here(page: Any) -> str:
    """The dot that has the focus."""
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def faint(page: Any, where: str = "one") -> int:
    """How many dots the scrubber has not come to."""
    return int(page.locator(f"#{where} .ttc-later .ttc-dot").count())


def test_what_a_model_wrote_is_text_wherever_it_stands(page: Any) -> None:
    bad = HOSTILE[2]
    everywhere = tree(
        [node(str(i), text, fate=bad if i == 1 else "over") for i, text in enumerate(HOSTILE)],
        [leaf(str(i), text, None, i, finish=bad) for i, text in enumerate(HOSTILE)],
        [vote(bad, bad, i, *[1] * len(HOSTILE), answer=text) for i, text in enumerate(HOSTILE)],
        **dict(line=bad, problem_id=bad, question=bad, gold=bad, status=bad, reason=bad),
    )
    draw(page, everywhere)
    assert page.locator(".ttc-question").inner_text() == bad
    for i, text in enumerate(HOSTILE):
        page.locator("#one select").select_option(index=i)
        click(page, "#one .ttc-tip", i)
        shown = page.locator(".ttc-here > div").text_content()
        if text.startswith("<"):
            assert shown == text
    assert page.evaluate("window.__hacked") is None
    assert (
        page.locator("#one").locator("script, img, iframe, a, object, embed, [onerror], [onload]").count()
        == 0
    )
    assert page.locator("#one :is([id], [data-a])").count() == 0
    assert page.locator("#one .ttc-note").first.inner_text() == f"search {bad}: {bad}"


def test_a_name_stands_for_what_nobody_would_see(page: Any) -> None:
    assert visible(page, "a\u202eb\u0000\ud800\U000e0041") == "a⟨U+202E⟩b⟨U+0000⟩⟨U+D800⟩⟨U+E0041⟩"
    assert page.evaluate("ttc.visible('abcdef', 4)") == "abcd… (2 more)"
    assert visible(page, "é\n\t👍🏽 ع\r\n") == "é\n\t👍🏽 ع\n"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (r"\frac{3\sqrt{2}}{2}\pi", "3√2/2π"),
        (r"\left( 3, \frac{\pi}{2} \right)", "( 3, π/2 )"),
        (r"12{,}500\text{ cm}^\circ$", "12,500 cm°"),
        ("2^{10}", "2^10"),
    ],
)
def test_an_answer_in_the_picture_is_plain(page: Any, answer: str, text: str) -> None:
    assert page.evaluate("(answer) => ttc.plain(answer)", answer) == text


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("so $x^2$ and $$y$$ and \\(z\\) and \\[w\\]", ["x^2", "y", "z", "w"]),
        ("\\boxed{\\frac{1}{2}} it is", ["\\boxed{\\frac{1}{2}}"]),
        ("$a + \\boxed{5}$.", ["a + \\boxed{5}"]),
        ("costs $5 and $6", []),
        ("costs $5, so $x$", ["x"]),
        ("from $5-$6 to \\$7 and $8", []),
        ("$\\text{costs \\$5}$", ["\\text{costs \\$5}"]),
        ("a $x\n\ny$ b", []),
        ("$ x$ \\( \\) \\boxed{a", []),
    ],
)
def test_maths_is_what_closes(page: Any, text: str, formulas: list[str]) -> None:
    code = """(text) => {
        const element = document.getElementById("one");
        ttc.typeset(element, text);
        return [...element.querySelectorAll("annotation")].map((one) => one.textContent);
    }"""
    assert page.evaluate(code, text) == formulas
    if not formulas:
        assert page.locator("#one").text_content() == text


@pytest.mark.parametrize("line", ["x" * 1_000_000, "👍" * 9000, "\\boxed{" * 100_000, "$a$ " * 200_000])
def test_a_long_line_waits_for_a_click(page: Any, line: str) -> None:
    page.evaluate("(text) => ttc.typeset(document.getElementById('one'), text)", line)
    more = page.locator("#one .ttc-more")
    units = len(line.encode("utf-16-le")) // 2
    assert more.inner_text() == f"… ({units - 4000:,} more)"
    assert len(page.locator("#one").text_content()) < 20_000
    more.click()
    if "$" not in line:
        assert page.locator("#one").text_content() == line


def test_the_keyboard_walks_through_the_tree(page: Any) -> None:
    draw(page, BEAM)
    page.locator("#one [tabindex='0']").focus()
    walk = ["the problem"]
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "End", "ArrowLeft", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        walk.append(here(page))
    assert [label.split(",")[0] for label in walk] == [
        *("the problem", "step 1", "step 1", "step 1", "step 3", "step 2", "step 1", "the problem")
    ]
    assert "discarded" in walk[2]
    assert walk[4] == "step 3, score 0.500, finished, returned ✓ 42 right"
    assert page.locator("#one [tabindex='0']").count() == 1
    page.keyboard.press("ArrowLeft")  # nothing is beyond the problem
    assert here(page) == "the problem"


def test_the_panel_has_the_path_up_to_the_selected_step(page: Any) -> None:
    draw(page, BEAM)
    page.locator("#one [tabindex='0']").focus()
    page.keyboard.press("End")
    steps = page.locator("#one .ttc-steps li")
    assert steps.all_inner_texts()[:2] == ["0.500\na", "0.500\nc"]
    assert steps.last.locator("annotation").text_content() == "x = 42"
    assert page.evaluate("told.at(-1)") == {
        **{"address": "0/1/0", "step": 2, "round": 4},
        **{"vote": "weighted", "agg": "last"},
    }


def test_the_scrubber_hides_what_came_later(page: Any) -> None:
    draw(page, BEAM)
    assert (page.evaluate("views.one.rounds"), faint(page)) == (4, 0)
    page.evaluate("views.one.setRound(1)")
    assert faint(page) == 5
    page.locator("#one input").press("ArrowRight")
    assert faint(page) == 3
    assert page.locator("#one output").inner_text() == "step 2 of 4"
    page.evaluate("views.one.setRound(-7)")
    assert faint(page) == 8
    page.locator("#one [tabindex='0']").press("ArrowRight")  # going there shows it
    assert faint(page) == 5
    page.evaluate("views.one.setRound(99)")
    page.locator("#one [tabindex='0']").press(" ")
    assert page.locator("#one .ttc-play").inner_text() == "Pause"
    page.locator("#one output", has_text="step 4 of 4").wait_for()
    assert page.locator("#one .ttc-play").inner_text() == "Play"


def test_a_vote_crowns_its_group(page: Any) -> None:
    draw(page, BEAM)
    verdict, crowned = page.locator("#one .ttc-verdict"), page.locator("#one .ttc-tip.ttc-won")
    assert (verdict.inner_text(), crowned.all_text_contents()) == ("chose 41 ✗ wrong", ["✗ 41"])
    assert page.locator("#one .ttc-bar .ttc-total").all_inner_texts() == ["0.600", "0.400"]
    page.locator("#one select").select_option(index=1)
    assert (verdict.inner_text(), crowned.all_text_contents()) == ("chose 42 ✓ right", ["✓ 42"])
    page.locator("#one select").select_option(index=2)
    assert "no path states an answer" in verdict.inner_text()
    draw(page, BEAM, vote={"vote": "majority", "agg": None})
    assert page.evaluate("document.querySelector('#one select').selectedIndex") == 1


def test_two_views_share_nothing(page: Any) -> None:
    draw(page, BEAM)
    draw(page, BEAM, "two")
    page.evaluate("views.one.setRound(0)")
    assert (faint(page), faint(page, "two")) == (8, 0)
    page.evaluate("views.one.destroy()")
    assert page.locator("#one > *").count() == 0
    assert page.locator("#two .ttc-dot").count() > 8  # those of its legend, too


@pytest.mark.parametrize(
    ("broken", "dots"),
    [
        (tree([], [], [], status="failed", reason="the engine died"), 1),
        (tree([node("0/1", "orphan")], [leaf("9", "42", True, 0)], []), 2),
        (
            tree(
                [node("0", "a", parent="1"), node("1", "b", parent="0"), node("2", "c", parent="2")], [], []
            ),
            4,
        ),
        (tree([node("0"), node("", "x")], [leaf("0", None, None, -1, copy=k) for k in range(3)], []), 3),
        (tree([node("0", "a", scores=[])], [], [], question=None, gold=None, level=None), 2),
    ],
)
def test_a_broken_tree_shows_what_there_is(page: Any, broken: dict[str, Any], dots: int) -> None:
    draw(page, broken)
    assert page.locator("#one [role=treeitem]").count() == dots
    assert page.locator("#one .ttc-tip").count() == len(broken["leaves"])
    assert page.locator("#one .ttc-note").count() >= 1  # no vote, or why


def test_a_wide_pool_fits_a_phone_and_is_drawn_at_once(chromium: Any, file: Path) -> None:
    """256 chains of 10 steps; the limit leaves room for a machine that is busy."""
    chains = [node(str(i), *(f"step {k}: $x_{k}$\n\n" for k in range(10)), fate="over") for i in range(256)]
    leaves = [leaf(str(i), str(i % 7), i % 7 == 0, i % 7) for i in range(256)]
    with opened(chromium, file, PHONE, color_scheme="dark") as page:
        page.evaluate("(tree) => (window.big = JSON.parse(tree))", json.dumps(tree(chains, leaves, [])))
        seconds = page.evaluate(
            """() => {
                const start = performance.now();
                ttc.treeView(document.getElementById("one"), big);
                document.body.getBoundingClientRect();
                return (performance.now() - start) / 1000;
            }"""
        )
        assert page.locator("#one [role=treeitem]").count() == 2561
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seconds < 3
