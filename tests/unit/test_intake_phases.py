"""What lies at one place is told apart rightly, also where images are missing, sent twice or a little off."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factory.encode import JPEG_LS, compress
from tests.factory.enhanced import ENHANCED_MR, enhanced, mosaic
from tests.factory.scanned import codes, series_in
from tests.factory.series import ct_series, grid, scene
from workstation.desk.phases import phase_words
from workstation.dicom.choose import phases_of
from workstation.dicom.load import load

SMALL = {"slices": 12, "rows": 10, "columns": 12, "spacing": (2.0, 1.0, 1.0)}


def sentences(series):
    return {f.sentence for v in series.volumes for f in v.findings}


def phases(folder, of, each=None, **options):
    """Phase t holds the scene plus 100 t, so that every voxel tells whose it is."""
    _, places = grid(*SMALL.values())
    for t in range(of):

        def change(ds, k, t=t):
            ds.InstanceNumber = 12 * t + k + 1
            if each is not None:
                each(ds, k, t)

        ct_series(folder, **SMALL, label=f"p{t}", voxels=scene(places) + 100 * t, each=change, **options)


def assert_own(volume, t, tolerance=0.51):
    """Every voxel is the scene's at its place in phase t."""
    lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
    assert np.abs(volume.voxels - 100 * t - scene(lps)).max() <= tolerance


def without(folder, *names):
    for name in names:
        (folder / name).unlink()


def name(t, k):
    return f"p{t}{(k * 7919 + 13) % 10007:05d}.dcm"


# --- images missing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [(1, 5), (0, 5), (2, 5), (1, 0), (0, 0), (2, 11)])
@pytest.mark.parametrize("told", ["by a key", "by order", "by order of places"])
def test_one_image_missing_of_a_time_series_moves_no_other(tmp_path, told, lost):
    """The k-th image at that place is not phase k any more; a slice of another moment must not slip in."""

    def each(ds, k, t):
        if told == "by a key":
            ds.TemporalPositionIdentifier = t + 1
        elif told == "by order of places":
            ds.InstanceNumber = 3 * k + t + 1

    phases(tmp_path, 3, each)
    without(tmp_path, name(*lost))
    series = series_in(tmp_path)
    assert [v.phase.index for v in series.volumes] == [0, 1, 2]
    assert {v.phase.kind for v in series.volumes} == {"time" if told == "by a key" else "order"}
    for t, found in enumerate(series.volumes):
        inside = 0 < lost[1] < 11
        assert found.filled == ((lost[1],) if t == lost[0] and inside else ())
        assert found.geometry.shape[0] == (11 if t == lost[0] and not inside else 12)
        assert_own(load(found), t, 1.01)
    said = "The last phase has 11 of 12 slices." if lost[0] == 2 else f"Phase {lost[0] + 1} has 11 of 12 slices."
    assert said in sentences(series)


def test_many_images_missing_and_nothing_to_tell_them_apart_is_refused(tmp_path):
    """Instance numbers that count nothing: which image belongs to which moment is not guessed."""
    rng = np.random.default_rng(1)
    numbers = rng.permutation(1000)

    phases(tmp_path, 3, lambda ds, k, t: setattr(ds, "InstanceNumber", int(numbers[12 * t + k])))
    without(tmp_path, *(name(t, k) for t, k in ((0, 3), (1, 7), (2, 11))))
    series = series_in(tmp_path)
    assert "duplicate_conflict" in codes(series)
    assert not any(v.suits_3d for v in series.volumes)


# --- images sent twice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", ["by a key", "by order"])
def test_an_image_sent_twice_in_a_time_series_moves_no_other(tmp_path, told):
    def each(ds, k, t):
        if told == "by a key":
            ds.TemporalPositionIdentifier = t + 1

    phases(tmp_path, 4, each)
    ds = dcmread(tmp_path / name(1, 8))
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.77"
    dcmwrite(tmp_path / "again.dcm", ds)
    series = series_in(tmp_path)
    assert len(series.volumes) == 4
    assert "duplicate_slices" in codes(series)
    assert "duplicate_conflict" not in codes(series)
    for t, found in enumerate(series.volumes):
        assert_own(load(found), t)


def test_a_whole_series_sent_twice_is_one(tmp_path):
    ct_series(tmp_path, **SMALL, label="a")
    ct_series(tmp_path, **SMALL, label="b")
    series = series_in(tmp_path)
    (found,) = series.volumes
    assert found.geometry.shape[0] == 12
    assert "12 slices occur twice; one of each is used." in sentences(series)


def sent_again(folder, *, syntax=None, **changed):
    """Every file a second time under another identifier, with these attributes changed."""
    for n, path in enumerate(sorted(folder.iterdir())):
        ds = dcmread(path)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{n + 1}"
        for keyword, value in changed.items():
            setattr(ds, keyword, value(ds))
        if syntax is not None:
            compress(ds, syntax)
            ds.file_meta.TransferSyntaxUID = syntax
        dcmwrite(folder / f"again{n}", ds)


@pytest.mark.parametrize("syntax", [None, "1.2.840.10008.1.2.1.99", JPEG_LS])
@pytest.mark.parametrize("of", [1, 2])
def test_a_whole_enhanced_file_sent_twice_is_one(tmp_path, of, syntax):
    """Another identifier, another number, perhaps another coding: the same voxels at the same places are no phase."""
    enhanced(tmp_path / "e", slices=12, phases=of, sop_class=ENHANCED_MR)
    again = None if syntax == "1.2.840.10008.1.2.1.99" else syntax
    if syntax == "1.2.840.10008.1.2.1.99":
        ds = dcmread(tmp_path / "e")
        ds.file_meta.TransferSyntaxUID = syntax
        dcmwrite(tmp_path / "e", ds)
    sent_again(tmp_path, syntax=again, InstanceNumber=lambda ds: ds.InstanceNumber + 1)
    series = series_in(tmp_path)
    assert [v.geometry.shape[0] for v in series.volumes] == [12] * of
    assert f"{12 * of} slices occur twice; one of each is used." in sentences(series)
    assert {v.phase and v.phase.of for v in series.volumes} == {of if of > 1 else None}
    for t, found in enumerate(series.volumes):
        assert_own(load(found), t)


@pytest.mark.parametrize("told", ["by a key", "by order"])
@pytest.mark.parametrize("numbers", ["the same", "further"])
def test_a_whole_time_series_sent_twice_is_one(tmp_path, told, numbers):
    """Single frames; one place is air in every moment, where all are alike."""

    def each(ds, k, t):
        if told == "by a key":
            ds.TemporalPositionIdentifier = t + 1
        if k == 11:
            ds.PixelData = bytes(len(ds.PixelData))

    phases(tmp_path, 3, each)
    number = {"the same": lambda ds: ds.InstanceNumber, "further": lambda ds: ds.InstanceNumber + 36}
    sent_again(tmp_path, InstanceNumber=number[numbers])
    series = series_in(tmp_path)
    assert [v.phase.kind for v in series.volumes] == ["time" if told == "by a key" else "order"] * 3
    assert "36 slices occur twice; one of each is used." in sentences(series)
    for t, found in enumerate(series.volumes):
        assert found.geometry.shape[0] == 12
        assert [f.instance_number % 36 for f in found.frames] == [(12 * t + k + 1) % 36 for k in range(12)]


def test_a_series_sent_again_in_another_coding_is_one(tmp_path):
    ct_series(tmp_path, **SMALL)
    sent_again(tmp_path, syntax=JPEG_LS)
    series = series_in(tmp_path)
    (found,) = series.volumes
    assert "12 slices occur twice; one of each is used." in sentences(series)
    assert_own(load(found), 0)


def test_mosaics_sent_twice_are_one_each(tmp_path):
    for n in range(3):
        mosaic(tmp_path / f"m{n}", instance=n + 1, slices=9)
        ds = dcmread(tmp_path / f"m{n}")
        ds.PixelData = (np.frombuffer(ds.PixelData, "<i2") + 100 * n).astype("<i2").tobytes()
        dcmwrite(tmp_path / f"m{n}", ds)
    sent_again(tmp_path, InstanceNumber=lambda ds: ds.InstanceNumber + 3)
    series = series_in(tmp_path)
    assert [v.phase.of for v in series.volumes] == [3] * 3
    assert "duplicate_slices" in codes(series)


def test_phases_alike_in_every_key_but_not_in_voxels_are_no_copies(tmp_path):
    """Two moments in two files of which nothing tells the time: they differ in one voxel of one slice."""
    enhanced(tmp_path / "a", slices=12, sop_class=ENHANCED_MR, instance=1)
    ds = dcmread(tmp_path / "a")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    ds.InstanceNumber = 2
    ds.PixelData = ds.PixelData[:-2] + b"\7\7"
    dcmwrite(tmp_path / "b", ds)
    series = series_in(tmp_path)
    assert len(series.volumes) == 2
    assert "duplicate_slices" not in codes(series)


# --- places that are not quite the same ---------------------------------------------------------------------------


@pytest.mark.parametrize("told", ["by a key", "by order"])
@pytest.mark.parametrize("of", [2, 5])
def test_a_table_that_comes_back_a_hair_off(tmp_path, of, told):
    """0.02 mm beside the place: one place all the same, never a stack of twice as many slices."""
    for t in range(of):
        positions = 2.0 * np.arange(12) + 0.02 * t / (of - 1)
        _, places = grid(*SMALL.values(), offsets=positions)

        def each(ds, k, t=t, positions=positions):
            ds.InstanceNumber = 12 * t + k + 1
            ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], float(positions[k]) - 11.0]
            if told == "by a key":
                ds.TemporalPositionIdentifier = t + 1

        ct_series(tmp_path, **SMALL, label=f"p{t}", voxels=scene(places) + 100 * t, each=each)
    series = series_in(tmp_path)
    assert [v.geometry.shape[0] for v in series.volumes] == [12] * of
    assert [v.phase.kind for v in series.volumes] == ["time" if told == "by a key" else "order"] * of
    assert {"uneven_spacing", "gap_large", "duplicate_conflict"}.isdisjoint(codes(series))


def test_phases_that_lie_a_little_apart_are_told_by_their_key(tmp_path):
    """0.15 mm of 2 mm: more than one place may be wide, but the key says that these are two stacks."""
    for t in range(2):

        def each(ds, k, t=t):
            x, y, z = ds.ImagePositionPatient
            ds.ImagePositionPatient = [x, y, z + 0.15 * t]
            ds.EchoNumbers = t + 1

        ct_series(tmp_path, **SMALL, label=f"p{t}", modality="MR", intercept=0, each=each)
    series = series_in(tmp_path)
    assert [(v.phase.kind, v.geometry.shape[0]) for v in series.volumes] == [("echo", 12)] * 2
    assert "uneven_spacing" not in codes(series)


# --- stacks behind and beside each other --------------------------------------------------------------------------


def stacked(item, k, t, *, far=70.0):
    """Two stacks of 11 slices with a space between them that no slice is missing from."""
    content = item.FrameContentSequence[0]
    content.StackID, content.InStackPositionNumber = str(1 + k // 5), k % 5 + 1
    content.DimensionIndexValues = [9 - k % 9, 3, 1]  # nonsense: dimension indices decide nothing
    place = item.PlanePositionSequence[0]
    x, y, z = place.ImagePositionPatient
    place.ImagePositionPatient = [x, y, z + (far if k >= 5 else 0.0)]


@pytest.mark.parametrize("far", [70.0, 2.0])
@pytest.mark.parametrize("of", [1, 2])
def test_two_stacks_behind_each_other_are_two_volumes(tmp_path, of, far):
    """StackID, time and place inside the stack: three dimensions. Two stacks 4 mm apart hide no missing slice."""

    def each(item, k, t):
        stacked(item, k, t, far=far)

    private = Dataset()
    private.DimensionIndexPointer = 0x20051413  # private, as in a public file
    private.DimensionIndexPrivateCreator = "Philips MR Imaging DD 005"
    enhanced(tmp_path / "e", slices=10, sop_class=ENHANCED_MR, phases=of, each=each,
             tags={"DimensionIndexSequence": Sequence([private])})  # fmt: skip
    series = series_in(tmp_path)
    assert [v.geometry.shape[0] for v in series.volumes] == [5] * 2 * of
    assert {"gap", "gap_large", "uneven_spacing", "stack_not_straight"}.isdisjoint(codes(series))
    assert {v.filled for v in series.volumes} == {()}
    if of == 2:
        assert {len(phases_of(series, v)) for v in series.volumes} == {2}
        for v in series.volumes:
            pair = phases_of(series, v)
            assert [p.phase.index for p in pair] == [0, 1]
            assert pair[0].geometry.affine_lps == pytest.approx(pair[1].geometry.affine_lps)


def test_both_knees_are_no_phases(tmp_path):
    """Two stacks at the same heights, 120 mm beside each other, two echoes each."""
    for side, x in (("r", -60.0), ("l", 60.0)):
        for e in range(2):
            ct_series(tmp_path, **SMALL, modality="MR", intercept=0, label=f"{side}{e}", centre=(x, 0, 0),
                      tags={"EchoNumbers": e + 1, "EchoTime": 5.0 * (e + 1)})  # fmt: skip
    series = series_in(tmp_path)
    assert len(series.volumes) == 4
    assert {(v.phase.kind, v.phase.of) for v in series.volumes} == {("echo", 2)}
    for found in series.volumes:
        pair = phases_of(series, found)
        assert [p.phase.index for p in pair] == [0, 1]
        assert len({round(float(p.geometry.centre_lps_mm[0])) for p in pair}) == 1
        lps = found.geometry.to_lps(np.stack(np.indices(found.geometry.shape), axis=-1))
        assert np.abs(load(found).voxels - scene(lps)).max() <= 0.51


def test_single_images_of_a_beating_heart_are_said_as_what_they_are(tmp_path):
    """25 moments of one slice: a cine, no volume; the sentence does not speak of one image."""
    for t in range(25):
        ct_series(tmp_path, slices=1, rows=12, columns=16, modality="MR", intercept=0, label=f"p{t:02d}",
                  tags={"TriggerTime": 40.0 * t})  # fmt: skip
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert [f.sentence for f in series.findings] == ["25 images that do not stack cannot be rebuilt in 3D."]


def test_planes_around_an_axis_are_no_stack(tmp_path):
    """36 radial planes: each of its own orientation, said in one sentence that counts them."""
    for n in range(36):
        a = np.radians(5 * n)
        ct_series(tmp_path, slices=1, rows=12, columns=16, modality="MR", intercept=0, label=f"r{n:02d}",
                  orientation=(round(np.cos(a), 6), round(np.sin(a), 6), 0, 0, 0, -1))  # fmt: skip
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert "36 images that do not stack cannot be rebuilt in 3D." in {f.sentence for f in series.findings}


# --- keys ---------------------------------------------------------------------------------------------------------


def diffusion(maker, b, direction):
    def each(ds, k):
        if maker == "Siemens":
            block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
            block.add_new(0x0C, "IS", str(b))
            if b:
                block.add_new(0x0E, "FD", [float(v) for v in direction])
        elif maker == "GE":
            ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [1_000_000_000 + b, 8, 0, 0])
            block = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
            for low, v in zip((0xBB, 0xBC, 0xBD), direction, strict=True):
                block.add_new(low, "DS", str(v))
        elif maker == "Philips":
            ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", float(b))
            block = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
            for low, v in zip((0xB0, 0xB1, 0xB2), direction, strict=True):
                block.add_new(low, "FL", float(v))
        else:
            block = ds.private_block(0x0065, "Image Private Header", create=True)
            block.add_new(0x09, "FD", float(b))
            block.add_new(0x37, "FD", [float(v) for v in direction])

    return each


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
@pytest.mark.parametrize("maker", ["Siemens", "GE", "Philips", "UIH"])
def test_directions_by_the_makers_own_elements(tmp_path, maker, syntax):
    """No standard element: one volume at b 0, three directions at b 1000; their order among themselves is by b."""
    runs = [(0, (0, 0, 0)), (1000, (1, 0, 0)), (1000, (0, 1, 0)), (1000, (0, 0, 1))]
    _, places = grid(*SMALL.values())
    for n, (b, direction) in enumerate(runs):
        ct_series(tmp_path, **SMALL, modality="MR", intercept=0, label=f"d{n}", syntax=syntax,
                  voxels=scene(places) + 100 * n, each=diffusion(maker, b, direction))  # fmt: skip
    series = series_in(tmp_path)
    assert [v.geometry.shape[0] for v in series.volumes] == [12] * 4
    assert [(v.phase.kind, v.phase.value) for v in series.volumes] == [("b_value", float(b)) for b, _ in runs]
    assert "phases_by_order" not in codes(series)
    whose = []
    for found in series.volumes:
        volume = load(found)
        lps = volume.geometry.to_lps((0, 0, 0))
        whose.append(round((float(volume.voxels[0, 0, 0]) - float(scene(lps))) / 100))
        assert_own(volume, whose[-1])
    assert whose[0] == 0
    assert sorted(whose) == [0, 1, 2, 3]


def test_the_standard_element_goes_before_the_makers(tmp_path):
    for n, b in enumerate((0, 700)):

        def each(ds, k, b=b):
            diffusion("Philips", 5000 - b, (1, 0, 0))(ds, k)
            ds.DiffusionBValue = float(b)

        ct_series(tmp_path, **SMALL, modality="MR", intercept=0, label=f"b{n}", each=each)
    assert [v.phase.value for v in series_in(tmp_path).volumes] == [0.0, 700.0]


def test_magnitude_phase_real_and_imaginary_of_ge(tmp_path):
    """GE files all four in one series under one image type; (0043,102F) tells them."""
    for kind in range(4):

        def each(ds, k, kind=kind):
            ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", kind)

        ct_series(tmp_path, **SMALL, modality="MR", intercept=0, label=f"c{kind}", each=each)
    series = series_in(tmp_path)
    assert [v.phase for v in series.volumes] == [None] * 4  # values of another meaning are no phases
    assert sorted(v.facts["image_type"][-1] for v in series.volumes) == ["AXIAL", "I", "P", "R"]
    assert {v.geometry.shape[0] for v in series.volumes} == {12}
    assert "phases_by_order" not in codes(series)


def test_the_complex_component_of_a_frame_is_no_phase_of_another(tmp_path):
    """Enhanced MR may name phase images by (0008,9208) alone: never one volume with the magnitude, nor its phase."""

    def each(item, k, t):
        group = Dataset()
        group.FrameType, group.ComplexImageComponent = (
            ["ORIGINAL", "PRIMARY", "OTHER", "NONE"],
            ("MAGNITUDE", "PHASE")[t],
        )
        item.MRImageFrameTypeSequence = Sequence([group])
        del item.FrameContentSequence

    enhanced(tmp_path / "e", slices=12, phases=2, sop_class=ENHANCED_MR, each=each)
    series = series_in(tmp_path)
    assert [v.phase for v in series.volumes] == [None, None]
    assert "phases_by_order" not in codes(series)
    assert sorted("P" in v.facts["image_type"] for v in series.volumes) == [False, True]
    for found in series.volumes:
        assert_own(load(found), int("P" in found.facts["image_type"]))
    magnitude = next(v for v in series.volumes if "P" not in v.facts["image_type"])
    assert magnitude.score == max(v.score for v in series.volumes)


@pytest.mark.parametrize("number", [7, None])
def test_images_of_one_number_at_one_place_are_not_put_in_the_order_of_their_files(tmp_path, number):
    phases(tmp_path, 2, lambda ds, k, t: setattr(ds, "InstanceNumber", number))
    series = series_in(tmp_path)
    assert "duplicate_conflict" in codes(series)
    assert not any(v.suits_3d for v in series.volumes)


def test_water_and_fat_under_a_makers_words(tmp_path):
    for word in ("W", "F", "IP", "OP"):
        ct_series(tmp_path, **SMALL, modality="MR", intercept=0, label=word,
                  tags={"ImageType": ["DERIVED", "PRIMARY", "DIXON", word]})  # fmt: skip
    series = series_in(tmp_path)
    assert {v.phase.kind for v in series.volumes} == {"image_type"}
    assert phase_words(series.volumes, 0) == "Kind of image 1 of 4 · F"
    assert "phases_by_order" not in codes(series)
    for found in series.volumes:
        assert len({f.path.name[: f.path.name.index("0")] for f in found.frames}) == 1


@pytest.mark.parametrize("keyword", ["AcquisitionTime", "ContentTime"])
def test_a_series_past_midnight_runs_on(tmp_path, keyword):
    times = ("235930", "235955", "000020", "000045")

    phases(tmp_path, 4, lambda ds, k, t: setattr(ds, keyword, times[t]))
    for t, found in enumerate(series_in(tmp_path).volumes):
        assert found.phase.kind == "time"
        assert_own(load(found), t)


# --- files that belong together -----------------------------------------------------------------------------------


def in_parts(folder, parts, *, drop=(), told=True):
    """An enhanced file as a concatenation (PS3.3 C.7.6.16.2.2.4): the same frames, spread over several files."""
    whole = dcmread(enhanced(folder.parent / "whole" / "e", slices=12, phases=2, sop_class=ENHANCED_MR))
    frames = np.frombuffer(whole.PixelData, "<i2").reshape(24, whole.Rows, whole.Columns)
    folder.mkdir()
    size = 24 // parts
    for n in range(parts):
        if n in drop:
            continue
        part = dcmread(folder.parent / "whole" / "e")
        own = slice(n * size, (n + 1) * size)
        part.PerFrameFunctionalGroupsSequence = Sequence(whole.PerFrameFunctionalGroupsSequence[own])
        part.PixelData, part.NumberOfFrames = frames[own].tobytes(), size
        part.SOPInstanceUID = part.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{n + 1}"
        part.SOPInstanceUIDOfConcatenationSource, part.ConcatenationUID = whole.SOPInstanceUID, "1.2.3"
        part.InConcatenationNumber, part.ConcatenationFrameOffsetNumber = n + 1, n * size
        if told:
            part.InConcatenationTotalNumber = parts
        dcmwrite(folder / f"{9 - n}", part)


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_a_concatenation_is_one_object(tmp_path, parts):
    in_parts(tmp_path / "parts", parts)
    series = series_in(tmp_path / "parts")
    assert [v.geometry.shape[0] for v in series.volumes] == [12, 12]
    assert "concatenation_incomplete" not in codes(series)
    for t, found in enumerate(series.volumes):
        assert_own(load(found), t)


@pytest.mark.parametrize("told", [True, False])
def test_a_concatenation_that_lacks_a_part_says_so(tmp_path, told):
    in_parts(tmp_path / "parts", 4, drop=(1,), told=told)
    series = series_in(tmp_path / "parts")
    assert "These images were sent in 4 parts, of which 3 are here." in sentences(series)


def test_legacy_converted_frames_are_told_apart_by_what_was_left_over(tmp_path):
    """Classic and private attributes stand in each frame's unassigned group (PS3.3 C.7.6.16.2.25)."""

    def each(item, k, t):
        rest = Dataset()
        rest.AcquisitionNumber = 3
        block = rest.private_block(0x0043, "GEMS_PARM_01", create=True)
        block.add_new(0x39, "IS", [1_000_000_000 + 800 * t, 8, 0, 0])
        item.UnassignedPerFrameConvertedAttributesSequence = [rest]
        del item.FrameContentSequence

    enhanced(tmp_path / "l", slices=12, phases=2, sop_class=ENHANCED_MR, each=each,
             tags={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.4"})  # fmt: skip
    volumes = series_in(tmp_path).volumes
    assert [(v.phase.kind, v.phase.value) for v in volumes] == [("b_value", 0.0), ("b_value", 800.0)]
    for t, found in enumerate(volumes):
        assert_own(load(found), t)


def test_legacy_converted_echoes(tmp_path):
    def each(item, k, t):
        rest = Dataset()
        rest.EchoTime, rest.EchoNumbers = 4.5 + 5 * t, t + 1
        item.UnassignedPerFrameConvertedAttributesSequence = [rest]
        del item.FrameContentSequence

    enhanced(tmp_path / "l", slices=12, phases=2, sop_class=ENHANCED_MR, each=each,
             tags={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.4"})  # fmt: skip
    volumes = series_in(tmp_path).volumes
    assert [v.phase.kind for v in volumes] == ["echo", "echo"]
    assert [v.facts["te_ms"] for v in volumes] == [4.5, 9.5]


# --- what Philips keeps of each frame (2005,140F) -----------------------------------------------------------------


def philips(item, k, t, runs, *, slope=None):
    """The frame as a classic image beside the standard's groups, which tell nothing; its corner is half a pixel off."""
    del item.FrameContentSequence
    own = Dataset()
    own.ImageType, own.InstanceNumber = ["ORIGINAL", "PRIMARY", "OTHER", "OTHER"], 1
    x, y, z = item.PlanePositionSequence[0].ImagePositionPatient
    own.ImagePositionPatient = [float(x) - 0.55, float(y) - 0.4, float(z)]
    imaging = own.private_block(0x2001, "Philips Imaging DD 001", create=True)
    mr = own.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    frame = own.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    mr.add_new(0x0E, "FL", 0.0125)
    if slope is not None:
        own.RescaleSlope, own.RescaleIntercept = slope, 0
    runs[t](own, imaging, mr, frame)
    item.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    item.add_new(0x2005140F, "SQ", [own])
    del item[0x20050010]
    item.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")


def b(value, direction):
    def run(own, imaging, mr, frame):
        imaging.add_new(0x03, "FL", float(value))
        for low, v in zip((0xB0, 0xB1, 0xB2), direction, strict=True):
            mr.add_new(low, "FL", float(v))

    return run


def heart(number):
    return lambda own, imaging, mr, frame: imaging.add_new(0x08, "IS", str(number))


def component(letter):
    return lambda own, imaging, mr, frame: mr.add_new(0x11, "CS", letter)


def labelled(word):
    return lambda own, imaging, mr, frame: frame.add_new(0x29, "CS", word)


def classic(**tags):
    return lambda own, imaging, mr, frame: [setattr(own, k, v) for k, v in tags.items()]


PHILIPS_RUNS = {
    "b_value": [b(0, (0, 0, 0)), b(600, (1, 0, 0)), b(600, (0, 1, 0)), b(1200, (1, 0, 0))],
    "phase": [heart(n) for n in (1, 2, 9, 10)],
    "label": [labelled("CONTROL"), labelled("LABEL")],
    "echo": [classic(EchoTime=4.5, EchoNumbers=1), classic(EchoTime=9.5, EchoNumbers=2)],
    "time": [classic(TemporalPositionIdentifier=n) for n in (1, 2, 3)],
}


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
@pytest.mark.parametrize("kind", sorted(PHILIPS_RUNS))
def test_what_philips_keeps_of_a_frame_tells_phases_apart(tmp_path, kind, syntax):
    runs = PHILIPS_RUNS[kind]
    enhanced(tmp_path / "e", slices=12, phases=len(runs), sop_class=ENHANCED_MR, syntax=syntax,
             each=lambda item, k, t: philips(item, k, t, runs))  # fmt: skip
    series = series_in(tmp_path)
    assert "phases_by_order" not in codes(series)
    assert [v.phase.kind for v in series.volumes] == [kind] * len(runs)
    assert [v.facts["philips_scale"] for v in series.volumes] == pytest.approx([0.0125] * len(runs))
    whose = []
    for found in series.volumes:
        volume = load(found)
        corner = volume.geometry.to_lps((0, 0, 0))
        whose.append(round((float(volume.voxels[0, 0, 0]) - float(scene(corner))) / 100))
        assert_own(volume, whose[-1])  # at the place of the standard's group, not half a pixel beside it
    assert sorted(whose) == list(range(len(runs)))
    assert (whose[0], whose[-1]) == (0, len(runs) - 1)


def test_magnitude_and_phase_of_philips_are_no_phases_of_each_other(tmp_path):
    runs = [component("M"), component("P")]

    def each(item, k, t):
        philips(item, k, t, runs)
        group = Dataset()
        group.FrameType = ["ORIGINAL", "PRIMARY", "OTHER", "NONE"]
        item.MRImageFrameTypeSequence = Sequence([group])

    enhanced(tmp_path / "e", slices=12, phases=2, sop_class=ENHANCED_MR, each=each)
    series = series_in(tmp_path)
    assert [v.phase for v in series.volumes] == [None, None]
    for found in series.volumes:
        assert_own(load(found), int("P" in found.facts["image_type"]))


def test_the_scaling_that_only_philips_states(tmp_path):
    """A file whose groups lost the standard's scaling: each frame's own slope, not none."""
    runs = [classic(TemporalPositionIdentifier=1), classic(TemporalPositionIdentifier=2)]
    path = enhanced(tmp_path / "e", slices=12, phases=2, sop_class=ENHANCED_MR, slope=1.0, intercept=0,
                    each=lambda item, k, t: philips(item, k, t, runs, slope=2.0 + t))  # fmt: skip
    ds = dcmread(path)
    del ds.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    dcmwrite(path, ds)
    for t, found in enumerate(series_in(tmp_path).volumes):
        volume = load(found)
        lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
        assert np.abs(volume.voxels - (2 + t) * np.rint(scene(lps) + 100 * t)).max() <= 3.1  # a unit stored


def test_a_private_sequence_that_lost_its_representation(tmp_path):
    """Through an archive that knows no private elements: UN with a length, its content implicit; or rubbish in it."""
    from io import BytesIO

    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_sequence_item

    runs = PHILIPS_RUNS["b_value"]
    path = enhanced(tmp_path / "e", slices=12, phases=4, sop_class=ENHANCED_MR,
                    each=lambda item, k, t: philips(item, k, t, runs))  # fmt: skip
    ds = dcmread(path)
    for rubbish in (False, True):
        for item in ds.PerFrameFunctionalGroupsSequence:
            if rubbish:
                raw = b"\x07" * 22
            else:
                buffer = DicomBytesIO()
                buffer.is_little_endian, buffer.is_implicit_VR = True, True
                write_sequence_item(buffer, item[0x2005140F].value[0], ["iso8859"])
                raw = buffer.getvalue()
            item.add_new(0x2005140F, "UN", raw)
        out = BytesIO()
        dcmwrite(out, ds)
        path.write_bytes(out.getvalue())
        series = series_in(tmp_path)
        assert [v.phase.kind for v in series.volumes] == ["order" if rubbish else "b_value"] * 4
