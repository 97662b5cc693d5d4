"""A case from folder to charge through the use cases that window and commands call."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pydicom import dcmread

from tests.job import acts
from workstation.base.clock import ScriptedClock
from workstation.base.errors import ArchiveError, InputRefused, NotAllowed
from workstation.desk.desk import Desk
from workstation.desk.open_study import stored_case
from workstation.desk.people_demo import PINS
from workstation.desk.verify import verify


def test_the_whole_case_is_billed_and_everything_verifies(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    decided = session.decide()
    assert decided.answer["decision"] == "bill", [r for r in decided.answer["reasons"] if r["outcome"] != "pass"]
    assert decided.answer["code"] == "76377"
    assert decided.answer["modifiers"] == ["26"]
    assert decided.facts["service"]["date"] == "2026-01-06"
    assert decided.facts["supervision"]["basis"] == "witnessed"
    numbers = {e.number for e in desk.place.journal.entries(session.key.study_uid)}
    assert set(decided.proof["supervision.region_designed"]) <= numbers
    clock.advance(600)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    first = session.confirm_charge(PINS["demo.bill"])
    again = session.confirm_charge(PINS["demo.bill"])
    assert first.charge_id == again.charge_id
    assert len(desk.place.outbox.all()) == 1
    assert "76377" in first.message
    found = verify(desk.place)
    assert found.wrong == ()
    assert found.files == 40 + 3 + 4  # slices, captures, the signature's objects
    assert desk.studies()[0].state == "charged"
    session.close()


def test_without_the_physicians_own_acts_nothing_is_billed(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    """Same pictures, same report; the physician only releases and signs what the technologist made."""
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    clock.advance(120)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    acts.release_all(session, clock)
    acts.report(session, clock)
    session.give_facts(acts.GIVEN)
    answer = session.decide().answer
    assert answer["decision"] in ("hold", "reject")
    assert {q["field"] for q in answer["questions"]} >= {"supervision.region_designed", "supervision.product_monitored"}
    desk.sign_in("demo.bill", PINS["demo.bill"])
    with pytest.raises(InputRefused):
        session.confirm_charge(PINS["demo.bill"])
    assert desk.place.outbox.all() == ()
    session.close()


def test_scripted_acts_are_no_evidence_in_a_home_of_real_work(
    tmp_path: Path, clock: ScriptedClock, study_folder: Path
) -> None:
    desk = Desk(tmp_path / "real", clock=clock, station="TEST-2")
    assert not desk.demo
    assert desk.needs_first_account
    desk.make_account("chief", "Chief", "administrator", "864201")
    desk.sign_in("chief", "864201")
    desk.make_account("demo.tech", "Tech", "technologist", PINS["demo.tech"])
    desk.make_account("demo.rad", "Rad", "radiologist", PINS["demo.rad"], npi="1234567893", taxonomy="2085R0202X")
    desk.set_setting("site.archive", "local")
    desk.sign_out()
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    with pytest.raises(InputRefused, match="physician"):
        acts.report(session, clock)
    session.give_facts(acts.GIVEN)
    answer = session.decide().answer
    assert answer["decision"] == "hold"
    assert "rendering" in {q["field"].split(".", maxsplit=1)[0] for q in answer["questions"]}
    session.close()
    desk.close()


def test_a_released_picture_never_changes_and_a_technologist_releases_nothing(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    uid = session.case.captures[0].sop_uid
    with pytest.raises(NotAllowed):
        session.release(uid)
    clock.advance(60)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    session.release(uid)
    with pytest.raises(InputRefused, match="already released"):
        session.release(uid)
    with pytest.raises(InputRefused):
        session.discard(uid, "second thoughts")
    clock.advance(301)
    with pytest.raises(NotAllowed) as caught:
        session.release(session.case.captures[1].sop_uid)
    assert caught.value.code == "authenticate_again"
    session.close()


def test_a_released_object_names_its_sources_and_carries_its_recipe(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    acts.release_all(session, clock)
    front, plane = session.case.captures
    items = {i.sop_uid: desk.place.files.path(i.place) for i in desk.place.library.instances(made_here=True)}
    ds = dcmread(items[front.sop_uid])
    assert len(ds.SourceImageSequence) == 40
    assert ds.PatientID == "PH-77"
    assert ds.BurnedInAnnotation == "YES"
    assert "ImagePositionPatient" not in ds
    flat = dcmread(items[plane.sop_uid])
    # an axial plane at z = 0 lies between the slices at -1 and +1 mm
    assert len(flat.SourceImageSequence) == 2
    # the recipe makes the same pixels again
    view = front.view
    again = session.picture(view, session.labels(view, record=True))
    shown = np.asarray(ds.pixel_array)
    assert again.rgb.shape == shown.shape
    inside = (slice(60, 200), slice(60, 260))
    assert np.array_equal(again.rgb[inside], shown[inside])
    session.close()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_every_object_passes_the_validators(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    kinds = set()
    for item in desk.place.library.instances(session.key.study_uid, made_here=True):
        path = desk.place.files.path(item.place)
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
        assert errors == [], (item.sop_class, errors)
        kinds.add(item.sop_class)
        if item.modality == "SR" and shutil.which("dsrdump"):
            dump = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True, check=False)
            assert dump.returncode == 0, dump.stderr
    assert len(kinds) == 5
    session.close()


def test_signing_waits_for_what_is_missing(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    with pytest.raises(InputRefused) as caught:
        session.sign(PINS["demo.rad"])
    assert caught.value.sentence.endswith(".")
    acts.physician(desk, session, clock)
    session.set_order(acts.ORDER)
    words = {"indication": "A", "comparison": "None.", "findings_3d": "A tube.", "impression": "A tube."}
    session.set_text(msgspec.structs.replace(session.case.text, necessity="Planning", **words))
    with pytest.raises(NotAllowed):
        session.sign("000000")
    assert session.case.reports == ()
    session.close()


def test_a_signed_report_gets_an_addendum_or_a_retraction(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    first = session.case.reports[-1]
    session.set_text(msgspec.structs.replace(session.case.text, recommendation="Follow-up in a year."))
    second = session.sign(PINS["demo.rad"])
    assert second.status == "addendum"
    assert second.predecessor == first.sop_uid
    retracted = session.retract(PINS["demo.rad"], "wrong study")
    assert retracted.status == "retracted"
    assert session.decide().answer["decision"] == "reject"
    assert desk.place.library.instance(first.sop_uid) is not None
    with pytest.raises(InputRefused):
        session.sign(PINS["demo.rad"])
    session.close()


def test_the_case_comes_back_after_a_kill(desk: Desk, clock: ScriptedClock, study_folder: Path, tmp_path: Path) -> None:
    """Nothing is saved on the way out: what counted is on disk already."""
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    session.taken_in()
    study_uid = session.key.study_uid
    measured = session.case.measurements
    copy = tmp_path / "copy"
    shutil.copytree(desk.home, copy)  # the home as a killed process would leave it
    other = Desk(copy, clock=clock, station="TEST-1")
    try:
        again = other.open(f"study:{study_uid}")
        assert again.case.measurements == measured
        assert [c.state for c in again.case.captures] == ["draft", "draft"]
        assert again.png(again.case.captures[0])[:4] == b"\x89PNG"
        again.close()
        assert verify(other.place).wrong == ()
    finally:
        other.close()
    session.close()


def test_undo_brings_a_measurement_back_but_no_release(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    acts.release_all(session, clock)
    identifier = session.case.measurements[0].id
    session.remove(identifier)
    assert session.case.measurements == ()
    session.undo()
    assert session.case.measurements[0].id == identifier
    session.undo()
    session.undo()
    assert all(c.state == "released" for c in session.case.captures)
    kept = stored_case(desk.place, session.key.study_uid)
    assert kept is not None
    assert all(c.state == "released" for c in kept.captures)
    session.close()


def test_a_damaged_file_is_named_by_verify(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    done = desk.import_paths([study_folder])
    assert done.new == 40
    assert desk.import_paths([study_folder]).new == 0
    item = desk.place.library.instances()[3]
    path = desk.place.files.path(item.place)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    found = verify(desk.place)
    assert len(found.wrong) == 1
    assert "PHANTOM" not in found.wrong[0]


def test_another_image_under_the_same_uid_is_kept_apart(desk: Desk, study_folder: Path, tmp_path: Path) -> None:
    desk.import_paths([study_folder])
    changed = tmp_path / "changed"
    shutil.copytree(study_folder, changed)
    path = sorted(changed.iterdir())[0]
    raw = bytearray(path.read_bytes())
    raw[-10] ^= 0x55
    path.write_bytes(bytes(raw))
    done = desk.import_paths([changed])
    assert "uid_clash" in {f.code for f in done.findings}
    assert verify(desk.place).wrong == ()
    assert len(list((desk.home / "quarantine").iterdir())) == 1


def test_a_full_disk_in_the_middle_of_a_release_changes_nothing(
    desk: Desk, clock: ScriptedClock, study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    session.taken_in()
    desk.sign_in("demo.rad", PINS["demo.rad"])
    before = session.case
    lines = desk.place.journal.last_number()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Exception, match="disk is full"):
            session.release(session.case.captures[0].sop_uid)
    assert session.case == before
    assert desk.place.journal.last_number() == lines
    session.release(session.case.captures[0].sop_uid)
    assert verify(desk.place).wrong == ()
    session.close()


def test_the_order_beside_the_study_is_taken_only_for_that_study(
    desk: Desk, study_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "with_order"
    shutil.copytree(study_folder, folder)
    order = {"accession": "ACC-1", "three_d_ordered": True, "reason": "Planning", "given": {"claim.pos": "22"}}
    (folder / "order.json").write_bytes(msgspec.json.encode(order))
    session = desk.open(str(folder))
    assert session.case.order is not None
    assert session.case.order.three_d_ordered is True
    assert session.case.order.source == "order.json"
    session.close()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"{", "valid"),
        (b'{"acession": "A"}', "acession"),
        (b'{"accession": 5}', "str"),
        (b'{"given": {"supervision.concurrent": true}}', "supervision.concurrent"),
    ],
)
def test_an_order_that_cannot_be_used_is_refused_with_its_field(
    desk: Desk, study_folder: Path, tmp_path: Path, text: bytes, word: str
) -> None:
    folder = tmp_path / "with_order"
    shutil.copytree(study_folder, folder)
    (folder / "order.json").write_bytes(text)
    with pytest.raises(InputRefused, match=word):
        desk.open(str(folder))


def test_an_order_for_another_study_is_left_alone(desk: Desk, study_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with_order"
    shutil.copytree(study_folder, folder)
    (folder / "order.json").write_bytes(b'{"accession": "OTHER", "three_d_ordered": true}')
    session = desk.open(str(folder))
    assert session.case.order is not None
    assert session.case.order.three_d_ordered is None
    session.close()


def test_a_demonstration_needs_a_home_of_its_own(tmp_path: Path, clock: ScriptedClock) -> None:
    Desk(tmp_path / "real", clock=clock).close()
    with pytest.raises(ArchiveError, match="real work"):
        Desk(tmp_path / "real", clock=clock, demo=True)


def test_the_report_as_pdf_reads_as_it_was_signed(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    pdf = session.report_pdf()
    assert pdf.startswith(b"%PDF")
    assert "Diameter < 20 mm & > 10 mm | ~ \\ ^." in session.report_text()
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
        words = " ".join(done.stdout.decode().split())
        assert "not cleared" in words
        assert "Tube of normal calibre." in words
    assert io.BytesIO(pdf).read(8)
    session.close()


def test_what_the_pixels_say_stops_a_release(desk: Desk, clock: ScriptedClock, tmp_path: Path) -> None:
    """The table lies in front of a patient labelled supine: sides are not sure until a physician confirms."""
    from tests.factory.series import ct_series, grid

    shape, spacing = (40, 128, 128), (2.0, 3.0, 3.0)
    _, places = grid(*shape, spacing, centre=(0.0, 0.0, 0.0))
    x, y = places[..., 0], places[..., 1]
    hu = np.full(shape, -1000.0)
    hu[(x / 120) ** 2 + (y / 90) ** 2 < 1] = 40
    hu[(np.abs(y + 120) < 6) & (np.abs(x) < 130)] = 100  # table at -y: the patient would float below it
    folder = tmp_path / "prone"
    ct_series(folder, slices=40, rows=128, columns=128, spacing=spacing, voxels=hu, centre=(0.0, 0.0, 0.0),
              name="PHANTOM^JANE", patient_id="PH-78")  # fmt: skip
    session = desk.open(str(folder))
    assert "position_doubtful" in session.case.findings
    assert "position_doubtful" in {f.code for f in session.findings}
    acts.technologist(desk, session, clock)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    with pytest.raises(InputRefused, match="sides"):
        session.release(session.case.captures[0].sop_uid)
    session.confirm_side()
    assert session.release(session.case.captures[0].sop_uid).state == "released"
    session.close()


def test_who_pays_in_person_gets_no_claim(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.give_facts({"payer.kind": "self_pay"})
    assert session.decide().answer["decision"] == "bill"
    desk.sign_in("demo.bill", PINS["demo.bill"])
    confirmed = session.confirm_charge(PINS["demo.bill"])
    assert confirmed.message == ""
    assert confirmed.message_path is None
    assert session.message_path is None
    assert desk.place.outbox.all() == ()
    assert session.confirm_charge(PINS["demo.bill"]).charge_id == confirmed.charge_id
    assert verify(desk.place).wrong == ()
    session.close()
