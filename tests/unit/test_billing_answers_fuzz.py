"""Damaged answers of receivers: a sentence or a verdict, never a crash, and never another's taken for ours."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.errors import MessageHole
from billing.messages.hl7 import answered_control_id, read_acknowledgement
from billing.messages.x12_answers import read_answers
from tests.factory.receiver import ack
from tests.unit.test_charge_export import accept_277
from workstation.desk.mllp import Frames, Unanswered

WHOLE = accept_277("ISA" + "*x" * 12 + "*000000001", "CHARGE000001")
ACK = ack("CHARGE000001CG").decode().strip("\x0b\x1c\r")


@st.composite
def damaged(draw, text):
    """A text with pieces cut out, put in or changed."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 30)))
        text = text[:begin] + draw(st.text(max_size=6)) + text[end:]
    return text


@settings(max_examples=300, deadline=None)
@given(damaged(WHOLE))
def test_a_damaged_x12_answer_is_refused_or_read(text):
    with contextlib.suppress(MessageHole):
        for verdict in read_answers(text):
            assert verdict.accepted in (True, False, None)
            assert verdict.accepted is not False or verdict.reason


@settings(max_examples=300, deadline=None)
@given(damaged(ACK))
def test_a_damaged_acknowledgement_is_refused_or_read(text):
    with contextlib.suppress(MessageHole):
        answer = read_acknowledgement(text, "CHARGE000001CG")
        if answer is not None:
            assert answered_control_id(text) == "CHARGE000001CG"
            assert answer.code in {"AA", "CA", "AE", "CE", "AR", "CR"}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=12), st.data())
def test_frames_come_out_whole_however_the_bytes_are_cut(noise, data):
    """Messages between noise without frame bytes: each comes out once and in order, whatever the packets are."""
    clean = [n.replace(b"\x0b", b"").replace(b"\x1c", b"") for n in noise]
    stream = b"".join(n + b"\x0b" + str(i).encode() + b"\x1c\r" for i, n in enumerate(clean))
    frames, found = Frames(), []
    while stream:
        size = data.draw(st.integers(1, max(1, min(len(stream), 64))))
        with contextlib.suppress(Unanswered):
            frames.add(stream[:size])
        stream = stream[size:]
        found += frames.whole()
    assert found == [str(i) for i in range(len(clean))]
