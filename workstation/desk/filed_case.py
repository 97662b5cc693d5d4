"""A case of the library for acts that need no voxels: answering, deciding and confirming a charge from the worklist.

It stands for an opened case (`Session`) wherever only the case, its journal and the acting person are asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import msgspec

from workstation.base.errors import InputRefused
from workstation.case.states import progress
from workstation.case.supervision import Supervision, supervision_of
from workstation.desk import charge_ledger, identity, separate_session, supervise
from workstation.desk import confirm_charge as charging
from workstation.desk.charge_case import Decided, decide_place
from workstation.desk.fact_sources import FactSource, fact_sources
from workstation.desk.note_decision import note_decision
from workstation.desk.open_study import stored_case
from workstation.people.roles import Act, require

if TYPE_CHECKING:
    from workstation.base.events import Actor, CaseKey
    from workstation.case.model import Case, Order
    from workstation.desk.place import Place
    from workstation.desk.session import Session
    from workstation.people.accounts import People


class FiledCase:
    """One case as it was left.

    Parameters
    ----------
    session : the acquisition session that is meant, where the study has several; 0: that of the series opened last

    Raises
    ------
    InputRefused
        ``unknown_study``: the home has no such case; ``session``: the study has no such session (any more).
    """

    def __init__(self, place: Place, people: People, study_uid: str, session: int = 0) -> None:
        self.place, self.people = place, people
        self._study_uid, self._ordinal = study_uid, session
        self.case: Case = self._read()

    def _read(self) -> Case:
        case = stored_case(self.place, self._study_uid)
        if case is None:
            raise InputRefused("unknown_study", "This study has no case yet; open it first.")
        if not self._ordinal:
            return case
        own = charge_ledger.of_session(self.place, case, self._ordinal)
        if own is None:
            raise InputRefused("session", "These series are no session of its own any more; look at the list again.")
        return own

    @property
    def key(self) -> CaseKey:
        """The tuple that everything made here carries."""
        return self.case.key

    @property
    def actor(self) -> Actor | None:
        """Who acts."""
        return self.people.actor

    def require(self, act: Act) -> Actor:
        """The acting person, who may do this."""
        require(self.actor.role if self.actor else None, act)
        assert self.actor is not None
        return self.actor

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """One act, on the case as it stands under the archive's lock: another window may have changed it meanwhile."""
        before = self.case
        try:
            with self.place.db.writing():
                self.case = self._read()
                yield
        except BaseException:
            self.case = before
            raise

    def put(self, kind: str, **changes: Any) -> Case:
        """The next case, kept whole; `kind` says which part changed, and nobody listens to a filed case."""
        with self.place.db.writing():
            self.case = msgspec.structs.replace(self.case, **changes)
            text = msgspec.json.encode(self.case).decode("utf-8")
            self.place.cases.save(self._study_uid, text, self.place.now())
            self.place.library.set_state(self._study_uid, progress(self.case))
        return self.case

    def supervision(self) -> Supervision:
        """What the journal says about the physician's part."""
        return supervision_of(supervise.counting(self._session))

    def decide(self, as_of: str | None = None) -> Decided:
        """What may be charged for this case, and why."""
        return decide_place(self.place, self.case, as_of)

    def give_facts(self, facts: dict[str, Any]) -> None:
        """Facts that only people know, by their path."""
        charging.give_facts(self._session, facts)
        note_decision(self._session)

    def set_order(self, order: Order) -> None:
        """The order as a person entered or corrected it."""
        identity.set_order(self._session, order)
        note_decision(self._session)

    def set_diagnoses(self, dx: tuple[tuple[str, str], ...]) -> None:
        """The codes of the claim, in the order of weight."""
        identity.set_diagnoses(self._session, dx)
        note_decision(self._session)

    def set_anatomy(self, anatomy: str, target: str) -> None:
        """The region and the kind of structure rendered."""
        identity.set_anatomy(self._session, anatomy, target)
        note_decision(self._session)

    def fact_sources(self, decided: Decided) -> tuple[FactSource, ...]:
        """Where each fact of a decision comes from."""
        return fact_sources(self.place, self.case, decided)

    def confirm_charge(self, secret: str = "", seen: tuple[str, ...] | None = None) -> charging.Confirmed:
        """Confirm the charge, as it was read: ledger, journal and outgoing message in one transaction."""
        return charging.confirm(self._session, secret, seen)

    def separate_session(self, reason: str) -> int:
        """The series was acquired in a separate session, as the acting person states; the session's ordinal."""
        with self.acting():
            ordinal = separate_session.separate(self.place, charging.who_states(self._session), self.case, reason)
            self._name_charge()
        return ordinal

    def rejoin_session(self, reason: str) -> None:
        """Take back that the series was acquired in a separate session."""
        with self.acting():
            separate_session.rejoin(self.place, charging.who_states(self._session), self.case, reason)
            self._name_charge()

    @property
    def session_number(self) -> int:
        """Ordinal of the acquisition session of the series: 1 unless it was recorded as a separate one."""
        return charge_ledger.session_of(self.place, self.case)

    def read_again(self) -> None:
        """The case as it stands now, after an act on its charge."""
        self.case = self._read()

    def _name_charge(self) -> None:
        if self._ordinal:
            self._ordinal = self.session_number
        self.put("charge", charge=charge_ledger.with_standing_charge(self.place, self.case).charge)

    @property
    def message_path(self) -> Any:
        """The written charge message, or None."""
        return charging.message_path(self._session)

    @property
    def _session(self) -> Session:
        # these acts ask for the case, its place and the person alone, all of which stand here too
        return cast("Session", self)
