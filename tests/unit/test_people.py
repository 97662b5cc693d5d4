"""Accounts, secrets, lock-out, asking again, and who may do what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.people import pin
from workstation.people.accounts import Account, People, npi_is_valid
from workstation.people.roles import ALLOWED, ROLES, may, refusal


class Drawer:
    """Accounts in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, Account] = {}

    def get(self, account: str) -> Account | None:
        return self.kept.get(account)

    def put(self, account: Account, at: str) -> None:
        self.kept[account.account] = account

    def all(self) -> tuple[Account, ...]:
        return tuple(self.kept.values())


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock(datetime(2026, 10, 6, 8, 0, tzinfo=UTC))


@pytest.fixture
def people(clock: ScriptedClock) -> People:
    made = People(Drawer(), clock, hash_secret=lambda s: "h" + s, secret_matches=lambda s, h: h == "h" + s)
    made.make("rad", "R. Adams, MD", "radiologist", "135791", npi="1234567893", taxonomy="2085R0202X")
    made.make("tech", "T. Brown", "technologist", "246802")
    return made


def test_argon2_hash_matches_only_its_secret_and_is_salted() -> None:
    hashed = pin.hash_secret("135791")
    assert hashed.startswith("$argon2id$")
    assert pin.matches("135791", hashed)
    assert not pin.matches("135792", hashed)
    assert pin.hash_secret("135791") != hashed
    assert not pin.matches("135791", "not a hash")


@pytest.mark.parametrize("secret", ["12345", "111111", "123456", "987654", "short", "x" * 257])
def test_weak_secrets_are_refused(secret: str) -> None:
    with pytest.raises(InputRefused):
        pin.check_new(secret)


@pytest.mark.parametrize(
    ("npi", "valid"), [("1234567893", True), ("1234567890", False), ("123456789", False), ("12345678931", False)]
)
def test_npi_check_digit(npi: str, valid: bool) -> None:
    assert npi_is_valid(npi) is valid


def test_five_wrong_entries_lock_for_five_minutes(people: People, clock: ScriptedClock) -> None:
    for _ in range(5):
        with pytest.raises(NotAllowed, match="wrong"):
            people.sign_in("rad", "000001")
    with pytest.raises(NotAllowed) as caught:
        people.sign_in("rad", "135791")
    assert caught.value.code == "locked"
    clock.advance(299)
    with pytest.raises(NotAllowed):
        people.sign_in("rad", "135791")
    clock.advance(2)
    assert people.sign_in("rad", "135791").role == "radiologist"


def test_an_unknown_account_and_a_wrong_secret_read_the_same(people: People) -> None:
    with pytest.raises(NotAllowed) as one:
        people.sign_in("nobody", "135791")
    with pytest.raises(NotAllowed) as two:
        people.sign_in("rad", "999000")
    assert one.value.sentence == two.value.sentence


def test_signing_asks_always_releasing_after_five_minutes(people: People, clock: ScriptedClock) -> None:
    people.sign_in("rad", "135791")
    assert people.must_ask_again("sign")
    assert not people.must_ask_again("release")
    clock.advance(301)
    assert people.must_ask_again("release")
    with pytest.raises(NotAllowed) as caught:
        people.proved_for("release", "")
    assert caught.value.code == "authenticate_again"
    people.proved_for("release", "135791")
    assert not people.must_ask_again("release")


def test_switching_user_ends_the_identity_that_acted(people: People) -> None:
    people.sign_in("tech", "246802")
    assert people.sign_in("rad", "135791").account == "rad"
    people.sign_out()
    assert people.actor is None
    with pytest.raises(NotAllowed):
        people.proved_for("release", "135791")


def test_the_table_of_rights() -> None:
    assert may("radiologist", "release")
    assert not may("technologist", "release")
    assert not may("resident", "supervise")
    assert may("biller", "confirm_charge")
    assert may("radiologist", "confirm_charge")
    assert not may("biller", "render")
    assert not may("administrator", "sign")
    assert not may("viewer", "draft")
    for act, roles in ALLOWED.items():
        assert roles <= set(ROLES)
        for role in ROLES:
            assert bool(refusal(role, act)) is (role not in roles)
        assert refusal(None, act).startswith("Sign in first")


def test_no_secret_leaves_the_list_of_accounts(people: People) -> None:
    assert {a.secret for a in people.all()} == {""}


def test_accounts_are_refused_in_one_sentence(people: People) -> None:
    for given in (
        ("rad", "Again", "radiologist", "135791"),
        ("Bad Name", "X", "viewer", "135791"),
        ("ok", " ", "viewer", "135791"),
        ("ok", "X", "boss", "135791"),
        ("ok", "X", "viewer", "1"),
    ):
        with pytest.raises(InputRefused) as caught:
            people.make(*given)
        assert caught.value.sentence.endswith(".")
    with pytest.raises(InputRefused):
        people.make("ok", "X", "radiologist", "135791", npi="1234567890")
