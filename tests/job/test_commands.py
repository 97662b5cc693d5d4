"""The commands as scripts call them: one JSON document, exit status, one plain sentence for each refusal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.factory.series import CORONAL, SAGITTAL, ct_series
from tests.job import acts
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.desk.desk import Desk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """`run("scan", path)` gives exit status, the JSON document (or None) and standard error."""

    def call(*words: object) -> tuple[int, object, str]:
        status = main([str(w) for w in words])
        shown = capsys.readouterr()
        document = json.loads(shown.out) if "--json" in words and shown.out.strip() else None
        return status, document, shown.err

    return call


# --- bad input: one plain sentence each, nothing half-written ------------------------------------------------------


def refused(run, *words: object) -> tuple[str, str]:
    """Code and sentence of a refusal; checks that it is one sentence without trace or identity."""
    status, document, _ = run(*words, "--json")
    assert status == 1
    assert isinstance(document, dict)
    error = document["error"]
    assert error["sentence"].endswith(".")
    assert "Traceback" not in error["sentence"]
    assert "PHANTOM" not in json.dumps(document)
    status, _, told = run(*words)
    assert status == 1
    assert [line for line in told.splitlines() if line.startswith("renderdesk:")] == [
        f"renderdesk: {error['sentence']}"
    ]
    return error["code"], error["sentence"]


def bad_folder(kind: str, place: Path) -> Path:
    """A source that cannot be shown in 3D."""
    place.mkdir()
    if kind == "text":
        (place / "notes.txt").write_text("no image here\n" * 50)
    elif kind == "truncated":
        paths = ct_series(place, slices=1, name="PHANTOM^JANE")
        paths[0].write_bytes(paths[0].read_bytes()[:400])
    elif kind == "single":
        ct_series(place, slices=1, name="PHANTOM^JANE")
    elif kind == "localiser":
        for name, orientation in (("a", CORONAL), ("b", SAGITTAL)):
            ct_series(place, slices=3, name="PHANTOM^JANE", orientation=orientation, label=name, intercept=-4096,
                      tags={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]})  # fmt: skip
    elif kind == "patients":
        ct_series(place, name="PHANTOM^JANE", patient_id="PH-1", label="a", study="one")
        ct_series(place, name="PHANTOM^JOHN", patient_id="PH-2", label="b", study="two")
    return place


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("empty", "no files"),
        ("text", "DICOM"),
        ("truncated", ""),
        ("single", "One image"),
        ("localiser", "ocaliser"),
        ("patients", "patients"),
    ],
)
def test_bad_input_is_one_plain_sentence(run, tmp_path: Path, kind: str, word: str) -> None:
    folder = bad_folder(kind, tmp_path / "in")
    out = tmp_path / "out.png"
    _, sentence = refused(run, "picture", folder, "--out", out)
    assert word in sentence
    assert not out.exists()
    assert list(tmp_path.glob(".*part")) == []


def test_one_file_that_is_no_dicom(run, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" + b"0" * 300)
    refused(run, "volume", path, "--out", tmp_path / "v.npz")


def test_a_path_that_is_not_there(run, tmp_path: Path) -> None:
    code, _ = refused(run, "picture", tmp_path / "absent", "--out", tmp_path / "o.png")
    assert code == "missing"


def test_an_output_that_cannot_be_written(run, study_folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    code, _ = refused(run, "volume", study_folder, "--out", blocked / "v.npz")
    assert code == "unwritable"
    code, _ = refused(run, "volume", study_folder, "--out", tmp_path / "nowhere" / "v.npz")
    assert code == "unwritable"
    assert blocked.read_text() == "in the way"


def test_a_full_disk(run, study_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, _ = refused(run, "volume", study_folder, "--out", tmp_path / "v.npz")
    assert code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_without_force(run, study_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npz"
    out.write_text("mine")
    code, _ = refused(run, "volume", study_folder, "--out", out)
    assert code == "exists"
    assert out.read_text() == "mine"
    assert run("volume", study_folder, "--out", out, "--force")[0] == 0


def test_wrong_usage_is_status_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["picture"])
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["scan", "volume", "picture", "surface", "charge", "demo", "open", "case"])
def test_help_of_every_command_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "Example" in shown
    assert f"renderdesk {command}" in shown


# --- what commands write ------------------------------------------------------------------------------------------


def test_what_only_the_voxels_tell_is_said_by_every_command_that_loads(run, tmp_path: Path) -> None:
    """A body that fills the image is told by its pixels, not by a header."""
    voxels = np.full((24, 16, 16), 40.0)
    voxels[:, 4:8, 4:8] = 700.0
    folder = tmp_path / "in"
    ct_series(folder, slices=24, rows=16, columns=16, spacing=(5.0, 5.0, 5.0), voxels=voxels)
    for words in (
        ("volume", folder, "--out", tmp_path / "v.nrrd"),
        ("surface", folder, "--threshold", "300", "--out", tmp_path / "s.stl"),
        ("picture", folder, "--out", tmp_path / "p.png"),
    ):
        status, _, said = run(*words)
        assert status == 0, words
        assert "The body is cut off at the image edge." in said, words


def test_a_volume_file_holds_the_phantom_at_its_place(run, study_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npz"
    status, shown, _ = run("volume", study_folder, "--out", out, "--json")
    assert status == 0
    held = np.load(out)
    assert held["voxels"].dtype == np.int16
    affine = held["affine_lps"]
    assert np.linalg.det(affine[:3, :3]) < 0
    index = np.linalg.solve(affine, np.array([8.0, 0.0, 0.0, 1.0]))[:3]
    k, r, c = np.rint(index).astype(int)
    assert held["voxels"][k, r, c] == 300
    assert shown["minimum"] == -1000
    assert shown["units"] == "HU"


def test_a_plane_picture_can_be_measured(run, study_folder: Path, tmp_path: Path) -> None:
    """The tube at x = 8 mm (patient's left) lies right of the middle, and the millimetres of the answer find it."""
    from PIL import Image

    out = tmp_path / "p.png"
    how = ["--technique", "mpr", "--plane", "axial", "--at", "0,0,0", "--window", "300,400", "--size", "400x400"]
    status, shown, _ = run("picture", study_folder, "--out", out, *how, "--overlays", "none", "--json")
    assert status == 0
    assert shown["letters"] == ["R", "L", "A", "P"] or shown["letters"] == {
        "left": "R", "right": "L", "top": "A", "bottom": "P"
    }  # fmt: skip
    grey = np.asarray(Image.open(out).convert("L")).astype(float)
    ys, xs = np.nonzero((grey > 110) & (grey < 145))
    corner, right, down, mm = (np.array(shown[k]) for k in ("corner_lps", "right_lps", "down_lps", "mm_per_pixel"))
    centre = corner + (xs.mean() * right + ys.mean() * down) * mm
    assert abs(centre[0] - 8) < 0.6
    assert abs(centre[1]) < 0.6
    assert xs.mean() > 200


def test_the_library_by_commands(run, study_folder: Path) -> None:
    status, shown, _ = run("import", study_folder, "--json")
    assert status == 0
    assert shown["new"] == 40
    status, shown, _ = run("list", "jane", "--json")
    assert len(shown["studies"]) == 1
    uid = shown["studies"][0]["study_uid"]
    assert run("list", "nobody", "--json")[1]["studies"] == []
    status, shown, _ = run("scan", f"{study_folder}", "--json")
    assert shown["studies"][0]["study_uid"] == uid
    assert run("verify", "--json")[1]["ok"] is True
    status, shown, _ = run("journal", "--json")
    assert [e["kind"] for e in shown] == ["imported"]
    assert run("case", f"study:{uid}", "--json")[0] == 1


def test_the_case_by_commands(
    run, desk: Desk, clock: ScriptedClock, study_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    uid = session.key.study_uid
    session.close()
    monkeypatch.setenv("RENDERDESK_HOME", str(desk.home))
    status, shown, _ = run("case", f"study:{uid}", "--json")
    assert status == 0
    assert {c["state"] for c in shown["captures"]} == {"released"}
    assert shown["supervision"]["basis"] == "witnessed"
    status, shown, _ = run("charge", "--case", f"study:{uid}", "--json", "--date", "2026-01-06")
    assert (status, shown["decision"], shown["code"], shown["modifiers"]) == (0, "bill", "76377", ["26"])
    kinds = [e["kind"] for e in run("journal", f"study:{uid}", "--json")[1]]
    assert kinds.index("study_opened") < kinds.index("picture_released") < kinds.index("report_signed")
    for form in ("pdf", "txt", "sr"):
        out = tmp_path / f"r.{form}"
        assert run("report", f"study:{uid}", "--format", form, "--out", out)[0] == 0
        assert out.stat().st_size > 500
    assert "SIGNED" in (tmp_path / "r.txt").read_text().upper()
    text = "\n".join(p.read_text() for p in (desk.home / "logs").rglob("*") if p.is_file()) if (
        desk.home / "logs").is_dir() else ""  # fmt: skip
    assert "JANE" not in text


def test_no_identity_in_file_names(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.close()
    for path in desk.home.rglob("*"):
        assert "JANE" not in path.name.upper()
        assert "PH-77" not in path.name
        assert session.key.study_uid not in path.name


def test_deciding_a_charge_loads_nothing_heavy(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text('{"schema": "renderdesk.facts/1"}')
    code = (
        "import sys; from workstation.__main__ import main; status = main(['charge', sys.argv[1], '--json']); "
        "heavy = {'numpy', 'vtkmodules', 'pydicom', 'PySide6', 'numba'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(facts)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 3
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)["decision"] == "hold"


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_the_demonstration(tmp_path: Path) -> None:
    """The whole job without a display: pictures, valid DICOM, a decision with its reasons, and the CTA refused."""
    out = tmp_path / "demo"
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-m", "workstation", "demo", "--out", str(out), "--json"],
        capture_output=True, text=True, cwd=ROOT, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["decision"]["decision"] == "bill"
    assert (shown["decision"]["code"], shown["decision"]["modifiers"]) == ("76377", ["26"])
    assert shown["if_cta"]["decision"] == "reject"
    assert shown["before_physician"]["decision"] in ("hold", "reject")
    assert len(shown["pictures"]) >= 5
    for path in (*shown["pictures"], *shown["dicom"], shown["report_pdf"], shown["message"]):
        assert Path(path).is_file()
    for path in shown["dicom"]:
        checked = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        assert [line for line in checked.stderr.splitlines() if line.startswith("Error")] == [], path
    assert sum(shown["seconds"].values()) < 120
    words = [sys.executable, "-m", "workstation", "demo", "--out", str(out)]
    again = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert again.returncode == 1
    assert "--force" in again.stderr
