"""Every look on a series that suits its modality, on one sheet: `.venv/bin/python docs/contact_sheet.py`.

CT on the bundled study, MR on the synthetic head; `--ct FOLDER` and `--mr FOLDER` take other series.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures" / "looks.jpg"
SIZE, CAPTION, COLUMNS = (330, 300), 26, 6
sys.path.insert(0, str(ROOT))


def tiles(folder: Path, modality: str) -> list[tuple[str, object]]:
    """(title, picture) of each look for a modality, and of the projections."""
    from render import camera, presets
    from render.engine import Engine
    from render.view import Labels, Technique, View, Window
    from workstation.desk.source import open_source, read

    volume = read(open_source(str(folder)))
    engine = Engine(volume)
    made = []
    for name in presets.names():
        preset = presets.get(name)
        if modality not in preset.modality:
            continue
        look, window = presets.resolve(name, volume)
        if name in ("mip", "minip", "mean"):
            how: dict[str, object] = {"technique": Technique(name), "window": window or Window(center=300, width=600)}
        else:
            how = {"technique": Technique.VR, "look": look}
        eye = camera.standard(volume, "A", SIZE, threshold=presets.framing(name, look))
        view = View(size=SIZE, camera=eye, overlays="none", quality="settled", background=("10141a", "000000"), **how)
        made.append((f"{preset.title} ({name})", engine.picture(view, Labels()).rgb))
    return made


def sheet(made: list[tuple[str, object]]) -> object:
    """All tiles with their titles under them."""
    from PIL import Image, ImageDraw, ImageFont

    rows = -(-len(made) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * SIZE[0], rows * (SIZE[1] + CAPTION)), "#0e1114")
    draw = ImageDraw.Draw(page)
    face = ImageFont.truetype(str(ROOT / "render" / "fonts" / "Inter-Regular.ttf"), 13)
    for n, (title, rgb) in enumerate(made):
        x, y = n % COLUMNS * SIZE[0], n // COLUMNS * (SIZE[1] + CAPTION)
        page.paste(Image.fromarray(rgb), (x, y))
        draw.text((x + 8, y + SIZE[1] + 5), title, "#d6dadf", font=face)
    return page


def main() -> None:
    """Make the sheet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ct", type=Path, default=ROOT / "sample_dicom")
    parser.add_argument("--mr", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mr = given.mr
        if mr is None:
            from workstation.sample import head

            mr = Path(folder)
            head.write(mr)
        page = sheet([*tiles(given.ct, "CT"), *tiles(mr, "MR")])
    page.save(given.out, quality=88)


if __name__ == "__main__":
    main()
