"""What a person reads when billing cannot go on: one plain sentence, and a code for a program."""

from __future__ import annotations


class BillingError(Exception):
    """Something was refused; nothing was half-done.

    Parameters
    ----------
    code : short machine word (``"facts"``, ``"transition"``, ``"message"`` ...)
    sentence : plain and complete, without patient data
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class FactsError(BillingError):
    """The facts are malformed; `path` is the place, such as ``facts.base[0].modality``."""

    def __init__(self, path: str, sentence: str) -> None:
        super().__init__("facts", f"{path}: {sentence}")
        self.path = path


class TableError(BillingError):
    """A data table (payer record, site file, official file) has a mistake; the sentence names the place."""

    def __init__(self, sentence: str) -> None:
        super().__init__("table", sentence)


class TransitionRefused(BillingError):
    """A charge may not go from its state to that one, or not by this role."""

    def __init__(self, sentence: str) -> None:
        super().__init__("transition", sentence)


class LedgerError(BillingError):
    """The ledger's chain is broken, or a row names a charge that is not there."""

    def __init__(self, sentence: str) -> None:
        super().__init__("ledger", sentence)


class MessageHole(BillingError):
    """A message lacks something that it must have; `hole` names it, such as ``patient.id``."""

    def __init__(self, hole: str, sentence: str) -> None:
        super().__init__("message", sentence)
        self.hole = hole
