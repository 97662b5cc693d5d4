"""Secrets: a PIN of at least six digits or a password, kept as an argon2id hash and never otherwise."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from workstation.base.errors import InputRefused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_SHORTEST_PIN, _SHORTEST_PASSWORD, _LONGEST = 6, 8, 256


@cache
def _hasher() -> PasswordHasher:
    # RFC 9106 second recommendation (64 MiB, 3 passes): about 50 ms here, the library's own default
    import argon2

    return argon2.PasswordHasher(time_cost=3, memory_cost=65536, parallelism=2)


def check_new(secret: str) -> None:
    """Refuse a secret that is too weak.

    Raises
    ------
    InputRefused
        ``weak_secret`` in one sentence that names the rule.
    """
    if len(secret) > _LONGEST:
        raise InputRefused("weak_secret", "A password has at most 256 characters.")
    if secret.isdigit():
        if len(secret) < _SHORTEST_PIN:
            raise InputRefused("weak_secret", "A PIN has at least 6 digits.")
        if len(set(secret)) == 1 or secret in "01234567890123456789" or secret in "98765432109876543210":
            raise InputRefused("weak_secret", "This PIN is guessed first; take digits that do not run in order.")
    elif len(secret) < _SHORTEST_PASSWORD:
        raise InputRefused("weak_secret", "A password has at least 8 characters, a PIN at least 6 digits.")


def hash_secret(secret: str) -> str:
    """The argon2id hash with its own salt and parameters."""
    return _hasher().hash(secret)


def matches(secret: str, hashed: str) -> bool:
    """Whether the secret is the one that was hashed."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return _hasher().verify(hashed, secret)
    except (Argon2Error, InvalidHashError):
        return False
