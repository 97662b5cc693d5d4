"""Decisions about identities as a fold: what joins, what parts, and that a counter-act leaves nothing behind."""

from __future__ import annotations

from itertools import permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from workstation.archive.identity import Stated
from workstation.archive.reconcile import Act, Patient, layer_of, part_uid, questions, standing

ANN = Stated("1", "H", "Doe^Ann", "1950-02-01", "F")
ANN_K = Stated("77", "K", "DOE^ANN", "1950-02-01", "F")
BOB = Stated("1", "H", "Roe^Bob", "1961-05-05", "M")
PEOPLE = {"H\\1": ANN, "H\\1\\2": BOB, "K\\77": ANN_K, "K\\1": Stated("1", "K", "Doe^Ann", "1950-02-01", None)}
KEYS = sorted(PEOPLE)


def patients(layer=None, people=PEOPLE):
    return [
        Patient(key=k, identity_key=f"{w.issuer}\\{w.id}", stated=w, now=w,
                person_key=layer.person_of(k) if layer else k) for k, w in people.items()
    ]  # fmt: skip


def test_the_same_person_whatever_the_order_of_the_acts() -> None:
    pairs = [("H\\1", "K\\77"), ("K\\77", "K\\1")]
    for order in permutations(pairs):
        acts = [Act(kind="same", patients=p, line=n) for n, p in enumerate(order, 1)]
        layer = layer_of(acts, PEOPLE)
        assert {layer.person_of(k) for k in ("H\\1", "K\\77", "K\\1")} == {"H\\1"}
        assert layer.person_of("H\\1\\2") == "H\\1\\2"


def test_linked_issuers_join_equal_ids_but_never_a_contradiction() -> None:
    layer = layer_of([Act(kind="link", issuers=("H", "K"), line=1)], PEOPLE)
    assert layer.person_of("K\\1") == layer.person_of("H\\1") == "H\\1"
    # Bob bears the number too, and is somebody else
    assert layer.person_of("H\\1\\2") == "H\\1\\2"
    assert layer.person_of("K\\77") == "K\\77"


def test_split_takes_one_out_and_a_later_word_counts_more() -> None:
    both = Act(kind="same", patients=("H\\1", "K\\77", "K\\1"), line=1)
    out = Act(kind="split", patients=("H\\1",), line=2)
    layer = layer_of([both, out], PEOPLE)
    assert layer.person_of("H\\1") == "H\\1"
    assert layer.person_of("K\\77") == layer.person_of("K\\1") == "K\\1"
    again = layer_of([both, out, Act(kind="same", patients=("H\\1", "K\\1"), line=3)], PEOPLE)
    assert len({again.person_of(k) for k in ("H\\1", "K\\77", "K\\1")}) == 1


def test_what_is_asked_and_what_is_not_asked_again() -> None:
    asked = {(q.kind, q.patients) for q in questions(patients(), layer_of([], PEOPLE), {})}
    assert ("identity_conflict", ("H\\1", "H\\1\\2")) in asked
    assert ("identity_possible", ("H\\1", "K\\77")) in asked
    # sex is not known of the fourth: nothing says that it is she
    assert not any("K\\1" in keys for _, keys in asked)
    apart = layer_of([Act(kind="apart", patients=("H\\1", "H\\1\\2"), line=1)], PEOPLE)
    same = layer_of([Act(kind="same", patients=("H\\1", "K\\77"), line=1)], PEOPLE)
    assert not any(q.kind == "identity_conflict" for q in questions(patients(apart), apart, {}))
    assert not any(q.kind == "identity_possible" for q in questions(patients(same), same, {}))
    mixed = questions(patients(), layer_of([], PEOPLE), {"1.2": ("H\\1", "H\\1\\2")})
    assert (mixed[0].kind, mixed[0].study_uid) == ("mixed_patients", "1.2"), "the most dangerous first"


def test_a_part_has_one_name_for_ever() -> None:
    assert part_uid("1.2", "a") == part_uid("1.2", "a")
    assert len({part_uid("1.2", "a"), part_uid("1.2", "b"), part_uid("1.3", "a")}) == 3


keys = st.lists(st.sampled_from(KEYS), min_size=2, max_size=3, unique=True).map(tuple)
acts_ = st.one_of(
    st.builds(lambda p: Act(kind="same", patients=p), keys),
    st.builds(lambda p: Act(kind="apart", patients=p), keys),
    st.builds(lambda k: Act(kind="split", patients=(k,)), st.sampled_from(KEYS)),
    st.builds(lambda k, s: Act(kind="move", patients=(k,), study_uid=s), st.sampled_from(KEYS), st.sampled_from("12")),
    st.builds(lambda k, n: Act(kind="correct", patients=(k,), new=Stated("9", "H", n)),
              st.sampled_from(KEYS), st.sampled_from(["A^B", "C^D"])),
    st.builds(lambda p, s: Act(kind="split", patients=p, study_uid=s), keys, st.sampled_from("12")),
    st.just(Act(kind="link", issuers=("H", "K"))),
)  # fmt: skip


@given(st.lists(acts_, max_size=6), st.data())
def test_a_counter_act_leaves_the_layer_as_if_the_act_had_never_been(plain, data) -> None:
    acts = [msgspec.structs.replace(a, line=n) for n, a in enumerate(plain, 1)]
    if not acts:
        return
    gone = data.draw(st.sampled_from(acts))
    undone = [*acts, Act(kind="undo", undoes=gone.line, line=len(acts) + 1)]
    assert layer_of(undone, PEOPLE) == layer_of([a for a in acts if a is not gone], PEOPLE)
    assert [a.line for a in standing(undone)] == [a.line for a in acts if a is not gone]


@given(st.lists(acts_, max_size=6))
def test_persons_are_a_partition_with_one_name_each(plain) -> None:
    layer = layer_of([msgspec.structs.replace(a, line=n) for n, a in enumerate(plain, 1)], PEOPLE)
    for key in KEYS:
        person = layer.person_of(key)
        assert layer.person_of(person) == person
        assert person == min(k for k in KEYS if layer.person_of(k) == person)
