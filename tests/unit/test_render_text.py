"""Overlays: inside the picture, readable, to scale, and what may never be left out stays."""

import numpy as np
import pytest

from render import camera, text
from render.view import Labels, Mark
from tests.picture.phantom import ball, volume

LONG = Labels(
    top_left=(
        "VERYLONGFAMILYNAME-HYPHENATED, GIVEN NAMES THAT GO ON",
        "ID 0123456789-0123456789",
        "1950-01-01 (50 y) F",
    ),
    top_right=("2000-01-01 10:20", "Acc. 0123456789012345", "An Institution With A Long Name, Building 7"),
    bottom_left=("Volume rendering, ct_bone_vessel@1.0", "W 400 C 40", "zoom 1.00", "perspective: no scale"),
    bottom_right=("axial H 12.5 mm 54/133", "Series 3: chest", "0.70 x 0.70 x 2.50 mm", "120 kVp", "contrast IV", "K"),
    band="DRAFT, NOT RELEASED · DEMO · SYNTHETIC · NOT FOR DIAGNOSIS",
    badges=("SIDE NOT SURE", "THICK 10 mm", "LOSSY", "GAPS FILLED 3"),
)
LETTERS = ("RA", "LP", "H", "F")
SIZES = [(1000, 800), (512, 512), (300, 300), (220, 180), (160, 400), (120, 120), (64, 48), (16, 16)]
EYE = camera.rotate(camera.standard(volume(ball((0, 0, 0), 50.0)), "A", (500, 400)), 30, 20)


def boxes(monkeypatch, size, scale=1.0, **more):
    """Boxes of all sprites, as they were really drawn: (text, left, top, right, bottom)."""
    drawn = []
    sprites = {}
    real_sprite, real_draw = text.sprite, text.draw

    def sprite(words, pixels, weight="Regular"):
        s = real_sprite(words, pixels, weight)
        sprites[id(s)] = words
        return s

    def draw(rgb, s, x, y, colour):
        drawn.append((sprites[id(s)], round(x), round(y), round(x) + s.width, round(y) + s.height))
        real_draw(rgb, s, x, y, colour)

    monkeypatch.setattr(text, "sprite", sprite)
    monkeypatch.setattr(text, "draw", draw)
    rgb = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    text.write(rgb, LONG, letters=LETTERS, scale=scale, **{"mm_per_pixel": 0.5, "cube": EYE, **more})
    monkeypatch.undo()
    return drawn, rgb


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_no_text_leaves_the_picture_or_covers_another(monkeypatch, size, scale):
    drawn, _ = boxes(monkeypatch, size, scale)
    if min(size) < 120 * scale:
        return  # nothing to read there; it must only not fail
    for words, left, top, right, bottom in drawn:
        assert left >= 0, words
        assert top >= 0, words
        assert right <= size[0], words
        assert bottom <= size[1], words
    must = [b for b in drawn if b[0] in LETTERS or b[0] in LONG.badges]
    assert len(must) >= 8 or min(size) < 200 * scale
    for n, a in enumerate(drawn):
        for b in drawn[n + 1 :]:
            apart = a[3] <= b[1] + 1 or b[3] <= a[1] + 1 or a[4] <= b[2] + 4 or b[4] <= a[2] + 4
            assert apart or min(size) < 300 * scale, (a, b)


PANE = Labels(
    top_left=("SAMPLE, PATIENT", "ID RD-0001"),
    top_right=("2026-01-05", "Abdomen CTA 1.0"),
    bottom_left=("Volume rendering", "scaled to lumen 350 HU (default)"),
    bottom_right=("LAO 30 CRA 10", "Portal phase: vessels, kidneys, bone"),
    badges=("LOSSY", "SIDE NOT SURE", "REDUCED"),
)


def kept_sheets(monkeypatch):
    """The sheets that are written on, with the boxes that they remember."""
    sheets = []

    class Kept(text.Sheet):
        def __init__(self, *given):
            super().__init__(*given)
            sheets.append(self)

    monkeypatch.setattr(text, "Sheet", Kept)
    return sheets


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("points", [(200, 150), (280, 210), (360, 300), (560, 420), (760, 560), (1365, 1365)])
@pytest.mark.parametrize("labels", [PANE, LONG], ids=["pane", "long"])
def test_nothing_overlaps_nor_is_clipped_at_any_size_and_scale(monkeypatch, points, scale, labels):
    """Letters, texts, badges, cube and bar, as the sheet remembers them; 4096 x 4096 is the last size at scale 3."""
    sheets = kept_sheets(monkeypatch)
    size = tuple(round(n * scale) for n in points)
    ground = np.full((size[1], size[0], 3), 90, np.uint8)
    text.write(ground, labels, letters=LETTERS, scale=scale, mm_per_pixel=400.0 / size[0], cube=EYE)
    (sheet,) = sheets
    band = next((box for box in sheet.taken if box[0] == 0 and box[2] == size[0]), None)
    boxes = [box for box in sheet.taken if band is None or not text._hit(box, band) or box is band]
    slack = 0.5
    for n, a in enumerate(boxes):
        assert a[0] >= -slack
        assert a[1] >= -slack
        assert a[2] <= size[0] + slack
        assert a[3] <= size[1] + slack
        for b in boxes[n + 1 :]:
            assert min(a[2], b[2]) - max(a[0], b[0]) <= slack or min(a[3], b[3]) - max(a[1], b[1]) <= slack, (a, b)
    whole = len(LETTERS) + len(labels.badges) + 2  # letters, badges, name and ID are never left out
    assert len(boxes) >= whole


@pytest.mark.parametrize("width", range(300, 620, 20))
def test_no_text_stands_so_near_to_the_bar_that_it_looks_like_a_part_of_it(monkeypatch, width):
    sheets = kept_sheets(monkeypatch)
    rgb = np.zeros((400, width, 3), np.uint8)
    text.write(rgb, PANE, letters=LETTERS, mm_per_pixel=0.7)
    *others, _ = sheets[0].taken
    light = (rgb == np.array(text.TEXT)).all(axis=2)
    rows = [
        y for y in range(230, 400) if light[y].sum() > 0.12 * width and len(set(np.diff(np.flatnonzero(light[y])))) == 1
    ]
    assert rows
    left, right = np.flatnonzero(light[rows[-1]])[[0, -1]]
    for x0, y0, x1, y1 in others:
        if y0 < rows[-1] + 2 and y1 > rows[-1] - 9:
            assert x0 - right >= 10 or left - x1 >= 10


def test_small_and_minimal_pictures_keep_name_letters_and_badges(monkeypatch):
    for size, more in (((260, 220), {}), ((1000, 800), {"minimal": True})):
        words = [w for w, *_ in boxes(monkeypatch, size, **more)[0]]
        assert any(w.startswith("VERYLONG") for w in words)
        assert any(w.startswith("ID 01234567") for w in words)
        assert set(LETTERS) <= set(words)
        assert any(w.startswith("SIDE NOT SURE") for w in words)
        assert any(w.startswith("DRAFT, NOT RELEASED") for w in words)
        assert not any(w.startswith("120 kVp") for w in words)


def test_letters_stand_at_their_edges_and_only_where_allowed(monkeypatch):
    drawn = {w: (left, top) for w, left, top, *_ in reversed(boxes(monkeypatch, (600, 500))[0])}
    assert drawn["RA"][0] < 20
    assert drawn["LP"][0] > 560
    assert drawn["H"][1] < 20
    assert drawn["F"][1] > 440
    rgb = np.zeros((500, 600, 3), np.uint8)
    text.write(rgb, Labels(letters=False), letters=LETTERS)
    assert rgb.max() == 0


@pytest.mark.parametrize("mm_per_pixel", [0.05, 0.13, 0.5, 0.7, 1.0, 2.3])
@pytest.mark.parametrize("size", [(1000, 800), (512, 512), (333, 400)])
def test_the_scale_bar_is_as_long_as_it_says(mm_per_pixel, size):
    rgb = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    text.write(rgb, Labels(letters=False), mm_per_pixel=mm_per_pixel)
    share = 0.35 if size[0] > 620 else 0.25
    length = text.bar_length_mm(size[0] * mm_per_pixel, share)
    assert length is not None
    assert length / mm_per_pixel <= share * size[0]
    white = (rgb == np.array(text.TEXT)).all(axis=2)
    row = int(white.sum(axis=1).argmax())
    columns = np.flatnonzero(white[row])
    thick = 2
    assert columns[-1] - columns[0] + 1 - thick == pytest.approx(length / mm_per_pixel, abs=1)


def test_bars_are_round_numbers_in_the_middle_range():
    assert text.bar_length_mm(500) == 100
    assert text.bar_length_mm(300) == 100
    assert text.bar_length_mm(40) == 10
    assert text.bar_length_mm(2) is None


def test_no_scale_in_perspective(monkeypatch):
    words = [w for w, *_ in boxes(monkeypatch, (600, 500), mm_per_pixel=None)[0]]
    assert not any(w.endswith(" mm") and w.split()[0].isdigit() for w in words)


def test_text_is_readable_on_white_and_on_black():
    for ground in (0, 255):
        rgb = np.full((60, 300, 3), ground, np.uint8)
        text.draw(rgb, text.sprite("W 400 C 40", 14), 10, 10, text.TEXT)
        assert int(rgb.max()) - int(rgb.min()) > 180


def test_unaccepted_measurements_are_dashed_and_grey():
    points = np.array([[20.0, 30.0], [180.0, 30.0]])
    lit = []
    for accepted in (True, False):
        rgb = np.zeros((60, 200, 3), np.uint8)
        mark = Mark(kind="length", points_lps_mm=((0, 0, 0), (1, 0, 0)), accepted=accepted)
        text.marks(rgb, ((mark, points),))
        row = rgb[30].max(axis=1) > 60
        lit.append(int(np.count_nonzero(np.diff(row.astype(int)) == 1)))
        colour = rgb[30, 22].astype(int)
        assert (colour[0] - colour[2] > 60) == accepted
    assert lit[0] == 1
    assert lit[1] > 5


@pytest.mark.parametrize(
    ("kind", "count"),
    [("length", 2), ("angle", 3), ("cobb", 4), ("polyline", 5), ("bidirectional", 4), ("ellipse", 2), ("polygon", 5),
     ("point", 1), ("unheard of", 3)],
)  # fmt: skip
def test_every_kind_of_mark_is_drawn_with_its_value_even_at_the_rim(kind, count):
    rng = np.random.default_rng(2)
    rgb = np.zeros((100, 120, 3), np.uint8)
    points = rng.uniform(-30, 130, (count, 2))
    mark = Mark(kind=kind, points_lps_mm=((0.0, 0.0, 0.0),) * count, text="62.4 mm")
    text.marks(rgb, ((mark, points),))
    inside = np.zeros((100, 120, 3), np.uint8)
    text.marks(inside, ((mark, points.clip(20, 80)),))
    assert inside.max() > 200
    nothing = np.zeros((100, 120, 3), np.uint8)
    text.marks(nothing, ((mark, np.full((count, 2), np.nan)),))
    assert nothing.max() == 0


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 2.0, 3.0])
def test_the_cube_stands_clear_of_letters_and_lines_at_every_scale(scale):
    from render import camera
    from render.view import Camera

    eye = Camera(position_lps_mm=(0, -800, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1), height_mm=400)
    eye = camera.rotate(eye, 25.0, 10.0)
    rgb = np.zeros((round(340 * scale), round(420 * scale), 3), np.uint8)
    labels = Labels(bottom_right=tuple(f"line {n} of the corner" for n in range(7)))
    letters = ("RP", "LA", "HP", "FA")
    bare = rgb.copy()
    text.write(bare, labels, letters=letters, scale=scale)
    cube = text.write(rgb, labels, letters=letters, scale=scale, cube=eye)
    assert cube is not None
    x, y, half = cube
    assert half == pytest.approx(20 * scale, abs=1)
    room = 1.75 * half
    box = bare[round(y - room) : round(y + room), round(x - room) : round(x + room)]
    assert box.max() == 0  # nothing else stood there
    assert (rgb != bare).any()
