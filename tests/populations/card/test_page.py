import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from populations.card.made import noise, population, sample
from populations.card.test_facts import told_of
from populations.toy import Toy, make
from posebridge.populations.card.page import Pictures, card_page
from posebridge.populations.card.samples import image_tile, sample_people
from posebridge.populations.manifest import OpenPopulation, open_population

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Tags(HTMLParser):
    """Checks that what opens closes, and keeps every tag and address."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(opened: OpenPopulation) -> str:
    told = told_of(opened)
    twins = [
        (twins, (image_tile(opened, twins.first), image_tile(opened, twins.second)))
        for found in told.duplicates
        for twins in found.examples
    ]
    return card_page(told, Pictures(sample_people(opened, 6), twins))


def without_images(page: str) -> str:
    """In the letters of an image any word can come up."""
    return re.sub(r"base64,[^\"]*", "", page)


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


@pytest.fixture(scope="module")
def toy_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("toy")
    make(Toy(), str(folder))
    return page_of(open_population(folder))


def test_a_page_needs_nothing_but_itself(toy_page: str) -> None:
    tags = parsed(toy_page)
    assert not {"script", "link", "iframe", "object"} & set(tags.seen)
    assert "http" not in without_images(toy_page)
    assert "url(" not in without_images(toy_page).replace("url(#", "")
    images = [address for address in tags.addresses if not address.startswith("#")]
    assert images
    assert all(re.match(r"data:image/(jpeg|png);base64,", address) for address in images)


def test_a_page_shows_people_panels_and_both_modes(toy_page: str) -> None:
    tags = parsed(toy_page)
    assert tags.seen.count("img") == 6
    assert tags.seen.count("svg") == 6
    assert "prefers-color-scheme: dark" in toy_page
    assert "@media print" in toy_page
    for word in ("toy", "CC0", Toy().fingerprint(), "left wrist", "posture", "nobody, nowhere"):
        assert word in toy_page


def test_drawings_take_the_colours_of_the_page(toy_page: str) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", toy_page, re.DOTALL))
    assert "var(--ink)" in drawings
    assert "#1b1f24" not in drawings
    assert "fill: #000000" not in drawings


@pytest.mark.slow
def test_names_cannot_break_out_of_the_text(tmp_path: Path) -> None:
    odd = "<script>alert(1)</script>"
    made = [sample(f"p{n}", noise(n), attributes={odd: odd, "b": f"$x_{n}"}) for n in range(3)]
    page = page_of(population(tmp_path, {"train": made}))
    assert "<script" not in page
    assert "&lt;b&gt;nobody&lt;/b&gt;" in page
    parsed(page)


@pytest.mark.slow
def test_leaks_stand_first_with_the_images_that_are_alike(tmp_path: Path) -> None:
    made = population(
        tmp_path, {"train": [sample("a", noise(0))], "test": [sample("b", noise(0), subject="a")]}
    )
    page = page_of(made)
    assert page.index("train and test share 1 subject: a.") < page.index("<h2>Splits</h2>")
    assert "a (train) and b (test):" in page
    assert "the same bytes" in page
    assert "No subject, no sequence" not in page


def test_a_population_without_leaks_is_told_so(toy_page: str) -> None:
    assert "No subject, no sequence and no image that looks the same is in two splits." in toy_page


@pytest.mark.slow
def test_one_person_without_attributes_or_labels_has_a_page(tmp_path: Path) -> None:
    nothing = np.zeros(17, np.uint8)
    made = population(tmp_path, {"test": [sample("a", noise(0), visibility=nothing)]})
    page = page_of(made)
    parsed(page)
    assert "nobody has an attribute" in page
    assert "nan" not in without_images(page)
