"""The picture of a run in README.md, and the script that draws it."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.text import Text

from docs import picture

README = (picture.ROOT / "README.md").read_text()
SVG = picture.PICTURE.read_text()


def screen(*lines: str) -> picture.Screen:
    return [Text(line) for line in lines]


def shown(svg: str) -> str:
    return "".join(ET.fromstring(svg).itertext()).replace("\xa0", " ")


def test_the_readme_shows_the_picture() -> None:
    """README.md shows the picture of a run, which ends with the summary of that run."""
    assert "(docs/run.svg)" in README
    assert re.search(r"in [\d.]+s: 2 warn, \d+ success", shown(SVG))


def test_the_picture_loads_nothing() -> None:
    """The SVG names no address except the XML namespace, so that any page may show it."""
    assert re.findall(r"\w+://[^\"' ]*", SVG) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|@font-face|<image|<script|href", SVG)


@pytest.mark.parametrize("folder", ["/tmp", "/home", "/root", "/work", "/Users", "/var"])
def test_the_picture_shows_no_path_of_the_machine_that_recorded_it(folder: str) -> None:
    """The folder of the recorded run is shown as ~/elt."""
    assert folder not in shown(SVG)
    assert "~/elt/dbt_project/warehouse.duckdb" in shown(SVG)


def test_each_screen_has_its_time_and_the_last_one_stays() -> None:
    """The screens are one strip, which moves by one screen at each stop; without animation the last one is shown."""
    svg = picture.drawn([screen("first <1>"), screen("second & last")])
    assert "first <1>" in shown(svg)
    assert "second & last" in shown(svg)
    assert len(re.findall(r"\d% \{", svg)) == 2
    height = picture.ROWS * 24.4
    assert f".strip {{ transform: translateY({-height:.1f}px)" in svg


def test_a_turn_of_the_spinner_is_no_new_screen() -> None:
    """Screens that differ only in the spinner are shown once, and the last screen always."""
    screens = [screen("$ elt"), screen("$ elt", "⠹ reading"), screen("$ elt", "⠴ reading"), screen("$ elt", "done")]
    assert picture.chosen(screens) == [screens[0], screens[1], screens[3]]


def test_the_path_of_the_folder_is_masked_and_colours_are_kept(tmp_path: Path) -> None:
    """What the emulator read becomes styled text, with ~/elt in the place of the folder."""
    terminal = picture.pyte.Screen(picture.COLUMNS, picture.ROWS)
    picture.pyte.ByteStream(terminal).feed(f"\x1b[33mwarn\x1b[0m {str(tmp_path)[:70]}/x".encode())
    first = picture.screen_of(terminal, Path(str(tmp_path)[:70]))[0]
    assert first.plain == "warn ~/elt/x"
    assert first.spans[0].style.color.name == "yellow"
