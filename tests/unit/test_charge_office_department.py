"""Two workstations on a department's PostgreSQL: one sends, one exports, and no charge leaves the house twice."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from billing.ledger import verify
from billing.messages import hl7
from tests.factory import charges, receiver
from tests.factory.archives import home_of
from tests.factory.receiver import Receiver
from tests.unit.test_charge_export import BILLER, SITE, accept_277, insure
from tests.unit.test_charge_sending import site_text
from workstation.base.clock import ScriptedClock
from workstation.desk import charge_office
from workstation.desk.charge_ledger import ChargeStore, ledger_of
from workstation.desk.message_files import fetched, put_file


@pytest.fixture
def two(tmp_path, request):
    """Two workstations, each with its own home folder, on one database."""
    folder = home_of("postgresql", tmp_path, request)
    database = (folder / "site.toml").read_text()
    other = tmp_path / "other"
    other.mkdir()
    (other / "site.toml").write_text(database)
    clock = ScriptedClock(charges.START)
    made = [charges.home(folder, clock, "WS-1"), charges.home(other, clock, "WS-2")]
    yield made, database
    assert verify(ChargeStore(made[0].ledger).rows()) > 0
    assert made[0].journal.verify() is None
    for place in made:
        place.close()


def at_once(*acts):
    """Run acts beside each other; what each gave or raised."""
    found: list[object] = [None] * len(acts)

    def run(n):
        try:
            found[n] = acts[n]()
        except Exception as error:  # noqa: BLE001 - handed to the test
            found[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_workstations_send_and_each_charge_goes_once(two):
    (one, other), database = two
    kept = [charges.confirm(place, f"P{n}") for n, place in enumerate([one, other] * 4)]
    with Receiver(receiver.late(0.02)) as office:
        for place in (one, other):
            (place.home / "site.toml").write_text(database + site_text(office.port, timeout_s=20))
        first, second = at_once(lambda: charge_office.send(one), lambda: charge_office.send(other))
        charge_office.send(one)
    assert not isinstance(first, Exception)
    assert not isinstance(second, Exception)
    assert Counter(office.control_ids) == Counter(hl7.control_id(c) for c in kept)
    assert office.most_outstanding == 1
    assert {ledger_of(other).get(c.charge_id).state for c in kept} == {"acknowledged"}
    assert {m.attempts for m in one.outbox.all()} == {1}


def test_two_workstations_export_and_no_charge_stands_in_two_files(two, tmp_path):
    (one, other), database = two
    for place in (one, other):
        (place.home / "site.toml").write_text(database + SITE)
    kept = []
    for n, place in enumerate([one, other] * 3):
        insure(place, f"P{n}")
        kept.append(charges.confirm(place, f"P{n}"))
    done = at_once(
        lambda: charge_office.export(one, BILLER, "837p", tmp_path / "a.837"),
        lambda: charge_office.export(other, BILLER, "837p", tmp_path / "b.837"),
        lambda: charge_office.export(other, BILLER, "csv", tmp_path / "c.csv"),
    )
    told = [d for d in done if not isinstance(d, Exception)]
    written = [c for d in told for c in d.charges]
    for place in (one, other):
        written += charge_office.export(place, BILLER, "837p", tmp_path / f"{place.station}.837").charges
    assert sorted(written) == sorted(c.charge_id for c in kept)
    lines = Counter(x.charge_id for x in one.exports.charges())
    assert set(lines.values()) == {1}
    numbers = [e.number for e in one.exports.all()]
    assert numbers == list(range(1, len(numbers) + 1))
    text = (tmp_path / "answer").resolve()
    claims = next((e for e in one.exports.all() if e.format == "837p"), None)
    if claims is not None:
        charge_id = next(x.charge_id for x in one.exports.charges() if x.export_number == claims.number)
        text.write_text(accept_277(claims.body, charge_id))
        at_once(
            lambda: charge_office.take_in(one, BILLER, [text]), lambda: charge_office.take_in(other, BILLER, [text])
        )
        acts = [h.act for h in charge_office.history(one, charge_id)]
        assert acts == ["confirm", "send", "acknowledge"]


def test_messages_lie_as_files_only_where_every_workstation_sees_them(two, tmp_path):
    (one, other), database = two
    kept = charges.confirm(one, "P1")
    control_id = hl7.control_id(kept)
    assert put_file(one, one.outbox.get(control_id)) is None
    share = tmp_path / "share"
    for place in (one, other):
        (place.home / "site.toml").write_text(f'{database}\n[billing.message]\nfolder = "{share}"\n')
    path = put_file(one, one.outbox.get(control_id))
    assert path == share / f"{kept.charge_id}.hl7"
    assert path.read_bytes().decode() == one.outbox.get(control_id).body
    assert not fetched(other, other.outbox.get(control_id))
    path.unlink()
    assert fetched(other, other.outbox.get(control_id))
    assert put_file(other, other.outbox.get(control_id)) is None
    assert charge_office.export(other, BILLER, "csv", tmp_path / "x.csv").charges == ()
