"""The accounts of a DEMO home. No other home has accounts that nobody made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workstation.people.accounts import People

PINS: dict[str, str] = {"demo.tech": "246810", "demo.rad": "135791", "demo.bill": "975310"}
"""Printed by the program wherever a demonstration starts."""

RADIOLOGIST_NPI = "1999999851"
"""The reader that the bundled study's order names; its check digit holds, and it stands for nobody."""


def make_demo_people(people: People) -> None:
    """Technologist, radiologist and biller of the demonstration, once."""
    there = {a.account for a in people.all()}
    if "demo.tech" not in there:
        people.make("demo.tech", "Demo Technologist", "technologist", PINS["demo.tech"])
    if "demo.rad" not in there:
        people.make(
            "demo.rad",
            "Demo Radiologist, MD",
            "radiologist",
            PINS["demo.rad"],
            npi=RADIOLOGIST_NPI,
            taxonomy="2085R0202X",
        )
    if "demo.bill" not in there:
        people.make("demo.bill", "Demo Biller", "biller", PINS["demo.bill"])
