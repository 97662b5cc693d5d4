"""How a patient is insured with a kind of payer: what a claim needs, and neither pictures nor the report say."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from billing.errors import BillingError
from billing.facts import PayerKind
from billing.parties import Insured


class Coverage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a person states it, or a registration system gives it; nothing in it is guessed.

    Parameters
    ----------
    payer_kind : medicare, aetna ...; a patient may be insured with several, and each charge names one
    member_id, group_number : as they stand on the card
    subscriber : who is insured: name, address, birth date, sex
    patient : the patient where that is another person, with `relationship` 01 spouse, 19 child, G8 other
    signature_on_file : the patient agreed to the release of information and to payment to the biller
    cause : whether the 3D was needed because of employment or an accident
    other_plan : whether another plan pays first or beside; null is not known
    payer_control_number : of an earlier claim, where the payer told it in another way than by 277CA
    """

    payer_kind: PayerKind
    member_id: str
    group_number: str = ""
    subscriber: Insured
    patient: Insured | None = None
    relationship: str = ""
    signature_on_file: bool
    cause: Literal["none", "employment", "auto", "other"]
    other_plan: bool | None = None
    payer_control_number: str = ""

    def __repr__(self) -> str:
        return f"Coverage({self.payer_kind})"


def read_coverage(document: Any) -> Coverage:
    """Check a document.

    Raises
    ------
    BillingError
        ``coverage``: the sentence names the field.
    """
    try:
        return msgspec.convert(document, Coverage)
    except msgspec.ValidationError as error:
        raise BillingError("coverage", f"The insurance cannot be read: {error}.") from None


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Coverage)
