"""The charge as a message to the billing system, from what case, order and site know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billing.charge import Charge
    from workstation.desk.session import Session


def message_text(session: Session, charge: Charge) -> tuple[str, str]:
    """The HL7 message of a charge and its control id, the same on every attempt."""
    from billing.messages.hl7 import dft_p03

    raise NotImplementedError(dft_p03)
