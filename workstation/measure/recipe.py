"""Recipes of measurements: what replays them, from a file or from the case (docs/measure.schema.json)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.measure.angle import NORMALS

PlaneName = Literal["axial", "coronal", "sagittal"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measurement: kind, points in LPS millimetres, the plane that they were set on, options."""

    kind: str
    points_lps_mm: tuple[Vector, ...]
    plane_normal_lps: Vector | PlaneName | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    name: str = ""
    id: str = ""
    volume: str = ""

    @property
    def normal(self) -> Vector | None:
        """The plane's normal as a vector."""
        plane = self.plane_normal_lps
        return NORMALS[plane] if isinstance(plane, str) else plane


class Recipes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of recipes."""

    measurements: tuple[Recipe, ...]
    schema: Literal["renderdesk.measure/1"] = "renderdesk.measure/1"


def recipes_of(text: bytes) -> tuple[Recipe, ...]:
    """Read a recipe file: an object with `measurements`, a list of recipes, or one recipe.

    Raises
    ------
    InputRefused
        No JSON, or not after the schema; the sentence names the place of the mistake.
    """
    try:
        plain = msgspec.json.decode(text)
        if isinstance(plain, dict) and "kind" in plain:
            plain = [plain]
        if isinstance(plain, list):
            plain = {"measurements": plain}
        found = msgspec.convert(plain, Recipes)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputRefused("recipe", f"The recipe of the measurements cannot be read: {error}.") from error
    if not found.measurements:
        raise InputRefused("recipe", "The recipe holds no measurement.")
    return found.measurements
