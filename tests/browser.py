"""The system's Chromium, driven by Playwright's package: what a page does, and that it asks for nothing.

Playwright and not Selenium: one package, without a driver that must match the browser's version, and it hears
every request. It installs no browser: that is the system's package (`chromium` in Debian).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def browser() -> Iterator[Any]:
    """A browser with a fresh profile; skips the test where there is none."""
    programs = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, programs)), None)
    if not program:
        pytest.skip("no chromium on this machine")
    driver = pytest.importorskip("playwright.sync_api", reason="pip install playwright to drive the browser")
    with driver.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield found
        found.close()


@contextmanager
def opened(browser: Any, file: Path, viewport: dict[str, int] = DESKTOP, **settings: Any) -> Iterator[Any]:
    """The page of a file; fails where it asked any network, wrote to the console or raised."""
    page = browser.new_page(viewport=viewport, **settings)
    heard: list[str] = []
    page.on("console", lambda line: heard.append(f"console: {line.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("request", lambda request: heard.append(f"request: {request.url[:200]}"))
    page.goto(file.as_uri())
    yield page
    page.close()
    inside = ("request: data:", "request: blob:", f"request: {file.as_uri()}")
    assert [line for line in heard if not line.startswith(inside)] == []
