"""A volume that does not say how it lies in the patient: nothing in the window names a direction of the body."""

from __future__ import annotations

import re

import pytest
from pydicom import dcmread, dcmwrite
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QLabel

from tests.factory.enhanced import ENHANCED_US, enhanced, in_its_own_frame
from tests.window.conftest import open_and_wait, settle
from tests.window.test_viewport import move, port

BODY = re.compile(
    r"\b(axial|coronal|sagittal|anterior|posterior|front|back|head|feet|left|right|AP|PA|[RLAPHF] \d+\.\d)\b", re.I
)


@pytest.fixture
def ultrasound(tmp_path):
    """In the frame of its own transducer, as most ultrasound is stored."""
    path = tmp_path / "us" / "e"
    enhanced(path, sop_class=ENHANCED_US, each=in_its_own_frame, shared_orientation=False,
             tags={"VolumeFrameOfReferenceUID": "1.2.3"})  # fmt: skip
    ds = dcmread(path)
    for item in ds.PerFrameFunctionalGroupsSequence:
        del item.PlaneOrientationSequence
    dcmwrite(path, ds)
    return path.parent


def said(window):
    """All that stands in the panes and in the panel, and what is written into the pictures."""
    shown = [w for kind in (QLabel, QAbstractButton) for w in window.case.findChildren(kind) if w.isVisible()]
    texts = [getattr(w, "whole", w.text()) for w in shown]
    hand = window.case.hand
    for pane in window.case.panes.values():
        labels = hand._labels(hand.dressed(pane.name, "settled"))
        texts += [*labels.bottom_left, *labels.bottom_right]
        texts += [text for text in pane.viewport.picture.letters if text]
    return texts


def test_no_word_of_the_window_names_a_side(signed_in, qtbot, ultrasound):
    open_and_wait(signed_in, qtbot, str(ultrasound))
    assert [t for t in said(signed_in) if BODY.search(t)] == []
    titles = [signed_in.case.panes[name].title.text() for name in ("axial", "coronal", "sagittal")]
    assert [t.split(" \u25be")[0].strip(" \u25be") for t in titles] == ["Plane 1", "Plane 2", "Plane 3"]
    widget = port(signed_in, "axial")
    move(widget, QPoint(widget.width() // 2 + 20, widget.height() // 2), Qt.MouseButton.NoButton)
    assert not BODY.search(signed_in.status.pointer.text())
    assert " x " in signed_in.status.pointer.text()
    # from the front is refused: nobody knows where that is
    before = signed_in.case.hand.view("3d").camera
    signed_in.actions_.run("view.L")
    settle(signed_in, qtbot, 50)
    assert signed_in.case.hand.view("3d").camera == before
    assert "front" in signed_in.status.sentence.whole
    signed_in.actions_.run("capture")
    qtbot.waitUntil(lambda: signed_in.case.session.case.captures != (), timeout=30000)
    assert not BODY.search(signed_in.case.session.case.captures[0].title)


def test_a_ct_says_them(opened):
    found = " ".join(said(opened))
    assert all(word in found for word in ("Axial", "axial", "anterior", "AP", "Right", "Head"))
