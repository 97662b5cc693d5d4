"""Names in pictures and lists: every letter in a face that has it, from right to left where so written, never boxes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import features

from render import faces, text
from workstation.desk.labels import burned_name

HEBREW = "שרון, דבורה"


@pytest.fixture
def without(monkeypatch):
    """A machine with no other face."""

    def use(*paths: str) -> None:
        monkeypatch.setattr(faces, "installed", lambda: paths)
        faces._face.cache_clear()
        text.sprite.cache_clear()

    use()
    yield use
    monkeypatch.undo()
    faces._face.cache_clear()
    text.sprite.cache_clear()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("MÜLLER^JÖRG", "MÜLLER, JÖRG"),
        ("Люксембург^Иван", "Люксембург, Иван"),
        ("Διονυσίου^Νίκος", "Διονυσίου, Νίκος"),
        ("YAMADA^TAROU=山田^太郎=やまだ^たろう", "YAMADA, TAROU"),
        ("王^小东", "NAME: NO FONT FOR ITS SCRIPT"),
        ("=山田^太郎", "NAME: NO FONT FOR ITS SCRIPT"),
        ("^", "NO NAME"),
        ("", "NO NAME"),
    ],
)
def test_what_no_face_has_is_left_out_or_said(without, name, shown):
    assert burned_name(name) == shown


def test_no_box_is_ever_drawn(without):
    """Should a text come to the pen that no face has: question marks, as wide as those."""
    one, other = text.sprite("A王B小", 16), text.sprite("A?B?", 16)
    assert np.array_equal(one.ink, other.ink)
    assert not faces.legible("王")
    assert faces.legible("Żółć Ştefan Łódź")


def test_characters_are_burned_in_where_a_face_has_them(without, monkeypatch):
    real = faces._has
    monkeypatch.setattr(faces, "_has", lambda path, letter: path == "cjk" or real(path, letter))
    without("cjk")
    assert burned_name("YAMADA^TAROU=山田^太郎") == "YAMADA, TAROU  山田, 太郎"
    assert burned_name("=山田^太郎") == "山田, 太郎"


def test_writing_from_right_to_left_needs_its_layout(without, monkeypatch):
    """Letter by letter from the left a Hebrew name is another name: then it is not drawn at all."""
    without("hebrew")
    monkeypatch.setattr(faces, "_has", lambda path, letter: path == "hebrew" or letter.isascii())
    monkeypatch.setattr(faces.features, "check", lambda _: False)
    assert not faces.legible(HEBREW)
    faces._face.cache_clear()
    monkeypatch.setattr(faces.features, "check", lambda _: True)
    assert faces.legible(HEBREW)


@pytest.mark.skipif(not features.check("raqm"), reason="the layout of other scripts is missing here")
@pytest.mark.skipif(not any("DejaVu" in p for p in faces.installed()), reason="no face with Hebrew here")
def test_hebrew_stands_from_right_to_left():
    """The first letter of the name stands at the right end of the line."""
    whole, first = text.sprite(HEBREW, 24), text.sprite("ש", 24)
    e = whole.edge
    right = whole.ink[:, -e - first.width : -e]
    assert np.abs(right - first.ink[:, e : e + first.width]).mean() < 0.05


def test_the_list_shows_no_boxes(qapp, monkeypatch):
    from workstation.window import names

    monkeypatch.setattr(names, "_has", lambda letter: ord(letter) < 0x2000)
    assert names.in_the_list("Yamada^Tarou=山田^太郎") == "Yamada, Tarou"
    assert names.in_the_list("王^小东") == "(no font for this name)"
    monkeypatch.setattr(names, "_has", lambda letter: True)
    assert names.in_the_list("Yamada^Tarou=山田^太郎") == "山田 太郎  Yamada, Tarou"
    assert names.in_the_list("=山田^太郎") == "山田, 太郎"
    monkeypatch.setattr(names, "_has", lambda letter: letter in "山田太郎 ")
    assert names.in_the_list("Ямада^Таро=山田^太郎") == "山田 太郎"
