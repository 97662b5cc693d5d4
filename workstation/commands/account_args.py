"""How a command is told who acts: an account by name, its secret from the environment or typed on a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from workstation.base.errors import NotAllowed

if TYPE_CHECKING:
    from workstation.desk.desk import Desk

SECRET = "RENDERDESK_SECRET"


def add_account_argument(parser: argparse.ArgumentParser) -> None:
    """Add --account; the secret never stands on the command line, where other people's programs can read it."""
    parser.add_argument("--account", metavar="NAME", help=f"who acts; PIN or password from {SECRET}, or typed")


def sign_in(desk: Desk, args: argparse.Namespace) -> str:
    """Sign in as the account that was named, if one was; its secret.

    Raises
    ------
    NotAllowed
        ``secret``: none is given and there is no terminal to ask at; otherwise as `Desk.sign_in`.
    """
    if not args.account:
        return ""
    secret = os.environ.get(SECRET, "")
    if not secret:
        if not sys.stdin.isatty():
            raise NotAllowed("secret", f"Give the account's PIN or password in {SECRET}, or start from a terminal.")
        import getpass

        secret = getpass.getpass("PIN or password: ", stream=sys.stderr)
    desk.sign_in(args.account, secret)
    return secret


def study_of(word: str) -> str:
    """The UID behind ``study:UID``.

    Raises
    ------
    InputRefused
        ``source``: something else stands there.
    """
    from workstation.base.errors import InputRefused

    if not word.startswith("study:") or not word.removeprefix("study:"):
        raise InputRefused("source", "Name a study of the library as study:UID; `renderdesk list` shows them.")
    return word.removeprefix("study:")
