"""Every look on a series that suits it, on one sheet: `.venv/bin/python docs/contact_sheet.py [OPTIONS]`.

Without options: CT on the bundled study, vessel looks scaled to its aorta, and MR on the synthetic head; MR
angiographies and MRCP are tubes in noise made here. `--chest`, `--pt`, `--ct`, `--mr` take further series: lung and
airway looks go to the chest, PET looks to the PET. What has no fitting series is left out and named. The committed
sheet has the chest CT of LIDC-IDRI-0001 and a PET of QIN-HEADNECK (The Cancer Imaging Archive, CC BY 3.0; see
docs/pictures/README.md).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures" / "looks.jpg"
SIZE, CAPTION, COLUMNS = (330, 300), 26, 6
CHEST = ("ct_lung", "ct_lung_vessels", "ct_airway", "ct_cardiac", "ct_vessel_glass", "ct_air_wall", "minip")
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from collections.abc import Iterable

    from render.volume import Volume

Tile = tuple[str, object]


def tiles(volume: Volume, names: Iterable[str], lumen: float | None = None) -> list[Tile]:
    """(title, picture) of each look of these that the volume can have."""
    from render import camera, presets
    from render.engine import Engine
    from render.view import Labels, Technique, View, Window

    engine = Engine(volume)
    made: list[Tile] = []
    for name in names:
        preset = presets.get(name)
        look, window = presets.resolve(name, volume, lumen=lumen if preset.scale == "t" else None)
        if preset.scale == "window":
            how: dict[str, object] = {"technique": Technique(name), "window": window or Window(center=300, width=600)}
        else:
            how = {"technique": Technique.VR, "look": look}
        eye = camera.standard(
            volume, "A", SIZE, threshold=presets.framing(name, look), within=look.within if window is None else ""
        )
        view = View(size=SIZE, camera=eye, overlays="none", quality="record", background=("10141a", "000000"), **how)
        title = f"{preset.title} ({name})"
        made.append((title if len(title) < 46 else preset.title, engine.picture(view, Labels()).rgb))
    return made


LR = (-1, 1)
VESSELS = {
    # circle of Willis: carotids, basilar, the three pairs of cerebral arteries, communicating arteries (mm, LPS)
    "mr_tof": [
        *[([(s * 26, 8, -60), (s * 22, 2, -30), (s * 14, -8, -12), (s * 12, -4, 0), (s * 11, -8, 6)], 2.6) for s in LR],
        *[([(s * 11, -8, 6), (s * 24, -6, 4), (s * 36, 0, 8), (s * 46, 10, 20), (s * 52, 22, 36)], 1.5) for s in LR],
        *[([(s * 11, -8, 6), (s * 4, -22, 10), (s * 3, -36, 28), (s * 3, -26, 50), (s * 3, 0, 58)], 1.3) for s in LR],
        *[([(0, 14, -2), (s * 14, 18, 4), (s * 24, 36, 8), (s * 16, 60, 14)], 1.3) for s in LR],
        *[([(s * 11, -6, 5), (s * 12, 8, 3), (s * 8, 15, 0)], 0.9) for s in LR],
        *[([(s * 14, 22, -70), (s * 10, 20, -50), (0, 18, -34), (0, 14, -2)], 1.7) for s in LR],
        ([(-4, -22, 10), (4, -22, 10)], 0.8),
    ],
    # abdominal aorta with renal, splanchnic and iliac arteries
    "mr_cemra": [
        ([(4, 0, 110), (3, -4, 60), (2, -8, 10), (0, -6, -40)], 9.0),
        *[([(0, -6, -40), (s * 18, -8, -70), (s * 40, -4, -110)], 5.0) for s in LR],
        *[([(2, -6, 40), (s * 25, 6, 36), (s * 50, 14, 32), (s * 62, 14, 44)], 3.0) for s in LR],
        *[([(s * 50, 14, 32), (s * 64, 16, 22)], 2.0) for s in LR],
        ([(3, -8, 62), (4, -28, 56), (-18, -30, 62), (-48, -26, 78)], 3.0),
        ([(4, -28, 56), (30, -22, 66), (62, 6, 78)], 2.6),
        ([(3, -8, 50), (4, -26, 30), (0, -30, -20), (-14, -30, -50)], 3.2),
    ],
    # bile ducts and pancreatic duct
    "mr_mrcp": [
        ([(-14, 6, 40), (-12, 10, 15), (-10, 14, -10), (-16, 16, -30)], 3.2),
        ([(-14, 6, 40), (-40, 0, 60), (-62, -4, 84)], 2.2),
        ([(-40, 0, 60), (-66, 6, 58)], 1.5),
        ([(-14, 6, 40), (12, -8, 58), (34, -14, 72)], 2.0),
        ([(-16, 16, -30), (4, 4, -18), (40, -2, -4), (74, 8, 10)], 1.3),
        ([(-14, 7, 30), (-28, 2, 28), (-38, -4, 20)], 1.5),
    ],
}  # fmt: skip


def phantom(name: str) -> Volume:
    """An MR without a public series of its own kind: bright tubes in noisy tissue, 1 mm voxels."""
    import numpy as np

    from render.geometry import Geometry
    from render.volume import Volume

    shape, middle = (230, 150, 180), np.array([114.5, 74.5, 89.5])
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    affine[:3, 3] = -middle[::-1]
    z, y, x = np.meshgrid(*(np.arange(n) - m for n, m in zip(shape, middle, strict=True)), indexing="ij")
    places = np.stack([x, y, z], axis=-1).astype(np.float32)
    distance = np.full(shape, 99.0, dtype=np.float32)
    for points, radius in VESSELS[name]:
        from scipy.interpolate import make_interp_spline

        line = make_interp_spline(np.arange(len(points)), np.array(points, float), k=min(3, len(points) - 1))
        for place in line(np.linspace(0, len(points) - 1, 40 * len(points))):
            k = np.rint(place[::-1] + middle).astype(int)
            reach = int(radius) + 3
            box = tuple(slice(max(i - reach, 0), i + reach + 1) for i in k)
            distance[box] = np.minimum(distance[box], np.linalg.norm(places[box] - place, axis=-1) - radius)
    body = np.hypot(x / 86, y / 70) < 1 if name != "mr_tof" else np.linalg.norm(places / (84, 72, 104), axis=-1) < 1
    signal = np.where(body, 220.0 if name != "mr_mrcp" else 110.0, 6.0)
    signal += np.random.default_rng(3).normal(0, 18, shape)
    signal += np.clip(0.5 - distance, 0, 1) * 900
    if name == "mr_mrcp":
        inside = 1 - np.linalg.norm((places - (-48, -14, 6)) / (12, 12, 22), axis=-1)
        signal += np.clip(inside * 12 + 0.5, 0, 1) * 900
    voxels = np.clip(signal, 0, 3000).astype(np.int16)
    return Volume(voxels, Geometry(shape, affine), "arbitrary", digest=name, modality="MR")


def pairs(volume: Volume) -> list[Tile]:
    """What stands under the moving hand, and when it rests: volume rendering, projection, surface."""
    from render import camera, presets, tones
    from render.engine import Engine
    from render.view import Labels, Surface, Technique, View

    engine, size = Engine(volume), (660, 600)
    look, _ = presets.resolve("ct_portal", volume)
    eye = camera.rotate(camera.standard(volume, "A", size, threshold=160), 25, 10)
    kinds: dict[str, dict[str, object]] = {
        "Volume rendering": {"technique": Technique.VR, "look": look},
        "MIP": {"technique": Technique.MIP, "window": tones.default_window(volume, "mip")},
        "Surface at 226 HU": {"technique": Technique.SSD, "surfaces": (Surface(low=226.0),)},
    }
    made: list[Tile] = []
    for name, how in kinds.items():
        view = View(size=size, camera=eye, overlays="none", background=("10141a", "000000"), **how)
        engine.picture(view.replace(quality="settled"), Labels())  # what is kept between pictures is there
        for quality, words in (("drag", "under the hand"), ("settled", "at rest")):
            made.append((f"{name}, {words}", engine.picture(view.replace(quality=quality), Labels()).rgb))
    return made


def lumen_of(folder: Path, volume: Volume) -> float | None:
    """Mean HU of the aorta's middle, where the folder says where that is (the bundled study does)."""
    import numpy as np

    truth = folder / "truth.json"
    if not truth.exists():
        return None
    line = json.loads(truth.read_text())["aorta"]["lumen_centre_line_lps_mm"]
    at = np.rint(volume.geometry.to_index(np.array(line[2:12]))).astype(int)
    inside = ((at >= 0) & (at < volume.geometry.shape)).all(axis=1)
    return float(volume.voxels[tuple(at[inside].T)].mean())


def sheet(made: list[Tile], columns: int = COLUMNS, size: tuple[int, int] = SIZE) -> object:
    """All tiles with their titles under them."""
    from PIL import Image, ImageDraw, ImageFont

    rows = -(-len(made) // columns)
    page = Image.new("RGB", (columns * size[0], rows * (size[1] + CAPTION)), "#0e1114")
    draw = ImageDraw.Draw(page)
    face = ImageFont.truetype(str(ROOT / "render" / "fonts" / "Inter-Regular.ttf"), 13)
    for n, (title, rgb) in enumerate(made):
        x, y = n % columns * size[0], n // columns * (size[1] + CAPTION)
        page.paste(Image.fromarray(rgb), (x, y))
        draw.text((x + 8, y + size[1] + 5), title, "#d6dadf", font=face)
    return page


def main() -> None:
    """Make the sheet."""
    from render import presets
    from workstation.desk.source import open_source, read

    parser = argparse.ArgumentParser()
    parser.add_argument("--ct", type=Path, default=ROOT / "sample_dicom")
    for modality in ("chest", "mr", "pt"):
        parser.add_argument(f"--{modality}", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--pairs", type=Path, help="write only the pairs of moving and resting pictures, here")
    given = parser.parse_args()
    if given.pairs is not None:
        sheet(pairs(read(open_source(str(given.ct)))), 2, (660, 600)).save(given.pairs, quality=86)  # type: ignore[attr-defined]
        return
    suits = {m: [n for n in presets.names() if m in presets.get(n).modality] for m in ("CT", "MR", "PT")}
    made: list[Tile] = []
    with tempfile.TemporaryDirectory() as folder:
        if given.mr is None:
            from workstation.sample import head

            given.mr = Path(folder)
            head.write(given.mr)
        belly = read(open_source(str(given.ct)))
        made += tiles(belly, [n for n in suits["CT"] if n not in CHEST], lumen_of(given.ct, belly))
        if given.chest is not None:
            made += tiles(read(open_source(str(given.chest))), CHEST)
        made += tiles(read(open_source(str(given.mr))), [n for n in suits["MR"] if n not in VESSELS])
        for name in VESSELS:
            made += tiles(phantom(name), [name])
        if given.pt is not None:
            made += tiles(read(open_source(str(given.pt))), suits["PT"])
    for missing, option in ((given.chest, CHEST), (given.pt, ("pet_hot",))):
        if missing is None:
            sys.stderr.write(f"no fitting series, left out: {', '.join(option)}\n")
    sheet(made).save(given.out, quality=88)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
