"""Whether the pictures are in the archive."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import LIT, Finding, fine, hold, rule


@rule("R-AR-01", LIT)
def archived(case: Context) -> list[Finding]:
    images = case.facts.images
    found = []
    if not images.archived:
        ask = ("images.archived", "How many 3D pictures are in the archive?")
        found.append(hold("No 3D picture is in the archive.", ask))
    if images.acknowledged is not True:
        ask = ("images.acknowledged", "Has the archive confirmed that it keeps the pictures?")
        found.append(hold("The archive has not confirmed the pictures.", ask))
    return found or [fine(f"3D pictures in the archive: {images.archived}, acknowledged.")]


RULES = (archived,)
