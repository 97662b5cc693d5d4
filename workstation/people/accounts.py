"""Accounts and the acting person: sign-in with lock-out, and when a secret must be given again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from workstation.base.clock import utc_text
from workstation.base.errors import InputRefused, NotAllowed
from workstation.base.events import Actor, Role
from workstation.people import pin
from workstation.people.roles import ASK_AFTER_5_MIN, ASK_AFTER_S, ASK_ALWAYS, ROLES, Act

if TYPE_CHECKING:
    from workstation.base.clock import Clock

FAILURES_TO_LOCK = 5
LOCK = timedelta(minutes=5)
_ACCOUNT = re.compile(r"^[a-z0-9][a-z0-9._-]{0,39}$")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may sign in. One role at a time."""

    account: str
    name: str
    role: Role
    npi: str = ""
    taxonomy: str = ""
    secret: str = ""
    failures: int = 0
    locked_until: str | None = None
    active: bool = True

    def __repr__(self) -> str:
        return f"Account({self.account}, {self.role})"


class AccountStore(Protocol):
    """Where accounts are kept; the archive's database in the program, a dictionary in tests."""

    def get(self, account: str) -> Account | None: ...

    def put(self, account: Account, at: str) -> None: ...

    def all(self) -> tuple[Account, ...]: ...


def npi_is_valid(npi: str) -> bool:
    """Ten digits whose check digit holds (Luhn over 80840 and the number, 45 CFR 162.406)."""
    if not re.fullmatch(r"\d{10}", npi):
        return False
    total = 0
    for place, digit in enumerate(reversed("80840" + npi)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


class People:
    """Accounts, sign-in, and the session of the acting person.

    Parameters
    ----------
    store : where accounts live
    clock : tells UTC; sign-in and lock-out follow it
    hash_secret, secret_matches : argon2id in the program
    """

    def __init__(
        self,
        store: AccountStore,
        clock: Clock,
        hash_secret: Callable[[str], str] = pin.hash_secret,
        secret_matches: Callable[[str, str], bool] = pin.matches,
    ) -> None:
        self._store = store
        self._clock = clock
        self._hash = hash_secret
        self._matches = secret_matches
        self._proved_at: datetime | None = None
        self.actor: Actor | None = None

    def make(self, account: str, name: str, role: Role, secret: str, npi: str = "", taxonomy: str = "") -> Account:
        """A new account.

        Raises
        ------
        InputRefused
            A name that is taken or malformed, an unknown role, a weak secret, an NPI whose check digit is wrong.
        """
        if not _ACCOUNT.match(account):
            raise InputRefused("bad_account", "An account's name is lower-case letters, digits, dot, dash, at most 40.")
        if self._store.get(account) is not None:
            raise InputRefused("account_exists", "There is already an account of this name.")
        if role not in ROLES:
            raise InputRefused("bad_role", f"There is no such role; choose one of {', '.join(ROLES)}.")
        if not name.strip():
            raise InputRefused("bad_name", "An account needs the person's printed name.")
        if npi and not npi_is_valid(npi):
            raise InputRefused("bad_npi", "This NPI is not valid: its check digit does not fit.")
        pin.check_new(secret)
        made = Account(
            account=account, name=name.strip(), role=role, npi=npi, taxonomy=taxonomy, secret=self._hash(secret)
        )
        self._store.put(made, utc_text(self._clock.now()))
        return made

    def all(self) -> tuple[Account, ...]:
        """Every account, without its hash."""
        return tuple(msgspec.structs.replace(a, secret="") for a in self._store.all())

    def sign_in(self, account: str, secret: str) -> Actor:
        """Prove who acts from now on; the identity that acted before ends.

        Raises
        ------
        NotAllowed
            ``wrong_secret`` (one sentence, whether account or secret is wrong), ``locked`` after five failures.
        """
        found = self._prove(account, secret)
        now = self._clock.now()
        self.actor = Actor(found.account, found.name, found.role, utc_text(now), found.npi)
        self._proved_at = now
        return self.actor

    def sign_out(self) -> None:
        """Nobody acts."""
        self.actor = None
        self._proved_at = None

    def prove_again(self, secret: str) -> Actor:
        """The acting person gives the secret once more; the session's time of authentication is now."""
        if self.actor is None:
            raise NotAllowed("not_signed_in", "Sign in first.")
        return self.sign_in(self.actor.account, secret)

    def must_ask_again(self, act: Act) -> bool:
        """Whether this act wants the secret again now: signing always, some after five minutes (7.2)."""
        if act in ASK_ALWAYS:
            return True
        if act not in ASK_AFTER_5_MIN or self._proved_at is None:
            return act in ASK_AFTER_5_MIN
        return (self._clock.now() - self._proved_at).total_seconds() > ASK_AFTER_S

    def proved_for(self, act: Act, secret: str) -> Actor:
        """The acting person, proved freshly enough for this act.

        Raises
        ------
        NotAllowed
            ``authenticate_again`` without a secret where one is due; as `sign_in` with a wrong one.
        """
        if self.actor is None:
            raise NotAllowed("not_signed_in", "Sign in first.")
        if secret:
            return self.prove_again(secret)
        if self.must_ask_again(act):
            raise NotAllowed("authenticate_again", "Give your PIN or password again to do this.", act=act)
        return self.actor

    def _prove(self, account: str, secret: str) -> Account:
        found = self._store.get(account)
        now = self._clock.now()
        if found is not None and found.locked_until and now < datetime.fromisoformat(found.locked_until):
            raise NotAllowed("locked", "This account is locked for five minutes after five wrong entries.")
        if found is None or not found.active or not self._matches(secret, found.secret):
            if found is not None:
                self._count_failure(found, now)
            raise NotAllowed("wrong_secret", "The account or the secret is wrong.", account=account)
        if found.failures or found.locked_until:
            self._store.put(msgspec.structs.replace(found, failures=0, locked_until=None), utc_text(now))
        return found

    def _count_failure(self, found: Account, now: datetime) -> None:
        failures = found.failures + 1
        locked = failures >= FAILURES_TO_LOCK
        after = msgspec.structs.replace(
            found,
            failures=0 if locked else failures,
            locked_until=utc_text(now + LOCK) if locked else None,
        )
        self._store.put(after, utc_text(now))
