"""Facts: what is known about one 3D service, `null` where it is not known (schema `renderdesk.facts/1`).

Three-valued: `True`, `False` and `None` are "yes", "no" and "not known"; an absent field is `None`, and `None` is
never taken for "no". What the format does not know (a field, a type, an enum value, a date that does not exist) is
refused with its path, so that a misspelt field cannot pass for an absent one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from billing.errors import FactsError

SCHEMA = "renderdesk.facts/1"

PayerKind = Literal["medicare", "medicare_advantage", "medicaid", "aetna", "bcbs", "cigna", "uhc", "other", "self_pay"]
Purpose = Literal[
    "diagnosis",
    "surgical_planning",
    "needle_mapping",
    "radiation_planning",
    "navigation_only",
    "print_only",
    "research",
    "teaching",
]
Modality = Literal["CT", "MR", "US", "TOMO", "XR", "MG", "NM", "PT", "XA", "OT"]
Technique = Literal[
    "VR",
    "SSD",
    "MIP_3D",
    "MINIP_3D",
    "ENDO_3D",
    "MIP_SLAB",
    "FUSION",
    "QUANT_3D",
    "MPR",
    "CPR",
    "SEGMENTATION",
    "STL",
]
Target = Literal["vascular", "bone", "organ", "airway", "bowel", "neuro", "soft_tissue", "other"]
WorkstationKind = Literal[
    "dedicated", "thin_client", "pacs_3d", "independent_other", "scanner_console", "not_independent_other"
]
Side = Literal["left", "right", "bilateral", "not_applicable"]
ComponentName = Literal["26", "TC", "global", "institutional"]
LedgerState = Literal["draft", "confirmed", "sent", "acknowledged", "rejected", "void", "replaced"]


class Patient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose service it is: only the ledger's key uses it."""

    id: str | None = None
    issuer: str | None = None
    birth_date: dt.date | None = None
    sex: Literal["M", "F", "O", "U"] | None = None


class Payer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who pays, and what is known of its policy for this case (a value here overrides the payer's record)."""

    kind: PayerKind | None = None
    plan: str | None = None
    auth_number: str | None = None
    covered: bool | None = None
    prior_auth_required: bool | None = None
    x_modifiers: bool | None = None
    laterality_modifiers: bool | None = None
    accepts_22: bool | None = None
    gc: bool | None = None
    accepts_without_base: bool | None = None


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and what for the 3D was made, and how far it came."""

    date: dt.date | None = None
    purpose: Purpose | None = None
    completion: Literal["complete", "reduced", "discontinued"] | None = None
    interpretable: bool | None = None
    discontinued_reason: Literal["patient_wellbeing", "technical", "workflow"] | None = None
    increased_work: bool | None = None


class Claim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service was given and which part of it this biller bears."""

    form: Literal["professional", "institutional"] | None = None
    pos: str | None = None
    bills_reader: bool | None = None
    owns_equipment: bool | None = None
    same_locality: bool | None = None
    tc_purchased: bool | None = None
    off_campus: Literal["no", "excepted", "nonexcepted"] | None = None


class Providers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who read, who bills, and whether a resident took part."""

    rendering_npi: str | None = None
    rendering_taxonomy: str | None = None
    billing_npi: str | None = None
    resident_involved: bool | None = None
    teaching_attested: bool | None = None


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The order for the 3D work, or the documented exception."""

    three_d_ordered: bool | None = None
    ordering_npi: str | None = None
    urgent_exception_documented: bool | None = None
    order_id: str | None = None


class Base(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A study of the day; those with `source` true gave the slices of the 3D."""

    code: str | None = None
    modality: Modality | None = None
    accession: str | None = None
    date: dt.date | None = None
    source: bool | None = None
    angiographic: bool | None = None
    performed_by: Literal["same", "other"] | None = None
    includes_3d: bool | None = None
    same_anatomy: bool | None = None
    same_session: bool | None = None


class Rendering(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the 3D was made and of what."""

    techniques: tuple[Technique, ...] | None = None
    target: Target | None = None
    anatomy: str | None = None


class Workstation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the 3D was made."""

    kind: WorkstationKind | None = None
    id: str | None = None


class Supervision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The physician's part while the 3D was made: four acts, and whether it was concurrent."""

    physician_npi: str | None = None
    region_designed: bool | None = None
    tissue_selected: bool | None = None
    images_selected: bool | None = None
    product_monitored: bool | None = None
    concurrent: bool | None = None
    basis: Literal["witnessed", "attested", "mixed"] | None = None


class Images(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The 3D pictures in the archive."""

    archived: Annotated[int, Meta(ge=0)] | None = None
    acknowledged: bool | None = None


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the signed report says."""

    status: Literal["draft", "preliminary", "final", "addendum", "retracted"] | None = None
    signed_by_npi: str | None = None
    three_d_findings: bool | None = None
    technique_stated: bool | None = None
    workstation_stated: bool | None = None
    supervision_stated: bool | None = None
    necessity_stated: bool | None = None
    increased_work_documented: bool | None = None


class Dx(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A diagnosis in pointer order: ICD-10-CM code with its dot, and the office's own words for it."""

    code: str | None = None
    label: str | None = None


class Laterality(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The side, as ordered and as reported."""

    order: Side | None = None
    report: Side | None = None


class OtherCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another procedure of the day, against the 3D."""

    code: str | None = None
    same_anatomy: bool | None = None
    same_session: bool | None = None
    same_provider: bool | None = None


class LedgerEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charge of the day, active or past."""

    charge_id: str | None = None
    date: dt.date | None = None
    code: str | None = None
    component: ComponentName | None = None
    base_accession: str | None = None
    anatomy: str | None = None
    rendering_npi: str | None = None
    state: LedgerState | None = None
    modifiers: tuple[str, ...] | None = None


class Distinct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Against the ledger's charge of that day: another session, contiguous anatomy, a needed repeat."""

    session: Literal["same", "separate"] | None = None
    anatomy_contiguous: bool | None = None
    repeat_necessity_documented: bool | None = None


class Abn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Medicare's advance notice: what denial is expected and which notice the patient signed."""

    expected_denial: Literal["none", "not_necessary", "excluded"] | None = None
    signed: Literal["required", "voluntary", "none"] | None = None


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One NCCI pair: column 1 is paid, column 2 denied; indicator 0 never, 1 with a modifier, 9 ignored."""

    column1: str
    column2: str
    indicator: Literal["0", "1", "9", 0, 1, 9]
    since: dt.date | None = msgspec.field(default=None, name="from")
    until: dt.date | None = msgspec.field(default=None, name="to")


class UnitLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Medically unlikely edit: the most units of a day, and how it is adjudicated (MAI)."""

    value: Annotated[int, Meta(ge=0)]
    mai: Literal[1, 2, 3, "1", "2", "3"]


class IcdPeriod(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether an ICD-10-CM code may be billed (False: a header), and when."""

    billable: bool | None = None
    since: dt.date | None = msgspec.field(default=None, name="from")
    until: dt.date | None = msgspec.field(default=None, name="to")


class CaseReference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tables that stand in for the imported files in this case; a given `ptp` counts as complete."""

    ptp: tuple[Pair, ...] | None = None
    mue: dict[str, UnitLimit] | None = None
    icd10cm: dict[str, IcdPeriod] | None = None


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is known of one 3D service. Make it with `read_facts`."""

    schema: Literal["renderdesk.facts/1"]
    facts_id: str | None = None
    as_of: dt.date | None = None
    patient: Patient = Patient()
    payer: Payer = Payer()
    service: Service = Service()
    claim: Claim = Claim()
    providers: Providers = Providers()
    order: Order = Order()
    base: tuple[Base, ...] | None = None
    rendering: Rendering = Rendering()
    workstation: Workstation = Workstation()
    supervision: Supervision = Supervision()
    images: Images = Images()
    report: Report = Report()
    dx: tuple[Dx, ...] | None = None
    dx_confirmed: bool | None = None
    laterality: Laterality = Laterality()
    other_codes: tuple[OtherCode, ...] | None = None
    ledger: tuple[LedgerEntry, ...] | None = None
    distinct: Distinct = Distinct()
    abn: Abn = Abn()
    reference: CaseReference = CaseReference()


# sections for which null means the same as absent: nothing in them is known
SECTIONS = frozenset(
    {
        "patient",
        "payer",
        "service",
        "claim",
        "providers",
        "order",
        "rendering",
        "workstation",
        "supervision",
        "images",
        "report",
        "laterality",
        "distinct",
        "abn",
        "reference",
    }
)


def read_facts(obj: object, *, at: str = "facts") -> Facts:
    """Check and take facts from the parsed JSON object.

    Parameters
    ----------
    obj : what `json.loads` gave (a mapping)
    at : the name of the place, the beginning of the path in a refusal (``facts``, ``facts[3]``)

    Raises
    ------
    FactsError
        Unknown field, wrong type, unknown enum value, impossible date, wrong or missing schema; with its path.
    """
    if not isinstance(obj, Mapping):
        raise FactsError(at, "here one JSON object with the facts of a service is expected.")
    given = {key: value for key, value in obj.items() if not (value is None and key in SECTIONS)}
    if given.get("schema") != SCHEMA:
        raise FactsError(f"{at}.schema", f'this program reads "{SCHEMA}" and nothing else.')
    try:
        return msgspec.convert(given, Facts)
    except msgspec.ValidationError as error:
        path, sentence = _told(str(error))
        raise FactsError(at + _with_key(path, given), sentence) from None


def facts_to_builtins(facts: Facts) -> dict[str, Any]:
    """The facts as plain JSON values, in the order of the format; `read_facts` gives the same facts again."""
    plain: dict[str, Any] = msgspec.to_builtins(facts)
    return plain


def _with_key(path: str, given: Mapping[str, Any]) -> str:
    """The path with the key of a table (`reference.mue["76377"]`) in the place of the dots."""
    before, dots, after = path.partition("[...]")
    if not dots:
        return path
    name = before.rpartition(".")[2]
    rows: Any = given.get("reference")
    rows = rows.get(name) if isinstance(rows, Mapping) else None
    for key, value in rows.items() if isinstance(rows, Mapping) else ():
        try:
            msgspec.convert({name: {key: value}}, CaseReference)
        except msgspec.ValidationError:
            return f'{before}["{key}"]{after}'
    return path


def _told(message: str) -> tuple[str, str]:
    """A message of msgspec as path and plain sentence."""
    what, _, where = message.partition(" - at `$")
    path = where.rstrip("`")
    if what.startswith("Object contains unknown field"):
        name = what.split("`")[1]
        return f"{path}.{name}", "this field is not part of the format."
    if what.startswith("Object missing required field"):
        name = what.split("`")[1]
        return f"{path}.{name}", "this field is needed here."
    if what.startswith("Invalid enum value"):
        words = ", ".join(map(str, _choices(path)))
        return path, f"{what.removeprefix('Invalid enum value ')} is not one of {words}."
    if "RFC3339" in what:
        return path, "this is not a date that exists; dates are written YYYY-MM-DD."
    if what.startswith("Expected `"):
        wanted, _, got = what.removeprefix("Expected ").partition(", got ")
        names = {"str": "text", "bool": "true or false", "array": "a list", "object": "an object", "date": "a date"}
        wanted = " or ".join(names.get(w.strip(), w.strip()) for w in wanted.strip("`").split("|"))
        wanted = wanted.replace("null", "null (not known)").replace("int", "a whole number")
        return path, f"expected {wanted}{f', found {got}' if got else ''}.".replace("`", "")
    return path or "", f"{what[:1].lower()}{what[1:]}.".replace("`", "")


def _choices(path: str) -> tuple[object, ...]:
    """The words that a field of the format knows."""
    kind: Any = Facts
    for part in path.split("."):
        name = part.partition("[")[0]
        for struct in [k for k in _leaves(kind) if isinstance(k, type) and issubclass(k, Struct)]:
            names = {f.encode_name: f.name for f in msgspec.structs.fields(struct)}
            if name in names:
                kind = get_type_hints(struct)[names[name]]
                break
    return tuple(k for k in _leaves(kind) if isinstance(k, str | int))


def _leaves(kind: Any) -> list[Any]:
    """A type's innermost parts: `tuple[Literal["a"], ...] | None` has the leaf "a"."""
    parts = get_args(kind)
    return [leaf for part in parts for leaf in _leaves(part)] if parts else [kind]


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Facts)
