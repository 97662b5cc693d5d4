"""What a person reads when something cannot be done: one sentence; and a code for a program."""

from __future__ import annotations


class RenderDeskError(Exception):
    """Something a person should read: what happened, what it means, what can be done.

    Parameters
    ----------
    code : short machine word (``"no_images"``, ``"disk_full"``, ``"not_allowed"`` ...)
    sentence : plain, complete, without patient data, codes or paths of identity
    """

    def __init__(self, code: str, sentence: str, **detail: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.detail = detail


class InputRefused(RenderDeskError):
    """What was given cannot be used: a folder without images, a broken file, an unknown word."""


class ArchiveError(RenderDeskError):
    """The archive or the database refused; nothing was half-written."""


class RulesError(RenderDeskError):
    """A data file (preset, payer, protocol) has a mistake; the sentence names file and line."""


class NotAllowed(RenderDeskError):
    """The acting role may not do this, or must authenticate again."""
