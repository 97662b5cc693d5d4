"""What stands in the 3D picture besides the volume, as acts of a person: planes, surfaces, cutting planes, segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from render import planes
from render.view import Clip, Segment, Surface, Technique, View
from workstation.base.errors import InputRefused
from workstation.window.models.scene import PLANES

if TYPE_CHECKING:
    from workstation.window.stagehand import Stagehand

CLIPS, SURFACES = 6, 6
_GLASS = 0.3
COLOURS = ("e8dcc0", "e07a5f", "56b4e9", "009e73", "e69f00", "cc79a7")
"""Bone, then colours that eyes weak in red and green tell apart."""


class Scenery:
    """Acts on the 3D pane of one stagehand; each complete one can be undone and is journaled."""

    def __init__(self, hand: Stagehand) -> None:
        self._hand = hand
        self.surface_in_hand = 0
        self.clip_in_hand = 0

    @property
    def view(self) -> View:
        """The 3D pane's view as it stands."""
        return self._hand.scene.views["3d"]

    def put(self, after: View, what: Literal["look", "crop", "threshold", "camera"], *, done: bool = True) -> None:
        """Show another 3D view; `done` False while a slider is in the hand."""
        hand = self._hand
        hand.change_scene(after, what, done=done)

    # ---- planes

    def toggle_planes(self) -> None:
        """All three planes into the 3D picture, or out of it."""
        self.show_planes(() if self._hand.scene.planes_shown else PLANES)

    def show_planes(self, names: tuple[str, ...], opacity: float | None = None, *, done: bool = True) -> None:
        """Just these planes."""
        before = self.view
        after = self._hand.scene.show_planes(names, opacity)
        self._hand.scene.views["3d"] = before
        self.put(after, "look", done=done)

    # ---- surfaces

    def put_surface(self, surface: Surface) -> View:
        """The surface in hand takes this shape; where there is none it is the first one, alone."""
        view = self.view
        if view.technique in {Technique.SSD, Technique.VR} and view.surfaces:
            place = min(self.surface_in_hand, len(view.surfaces) - 1)
            shown = (*view.surfaces[:place], surface, *view.surfaces[place + 1 :])
            self._hand.scene.views["3d"] = view.replace(surfaces=shown)
        else:
            self.surface_in_hand = 0
            self._hand.scene.set_surfaces((surface,))
        return self.view

    def add_surface(self, surface: Surface) -> None:
        """One more surface, in a colour that no other has, and into the hand."""
        view = self.view
        if view.technique not in {Technique.SSD, Technique.VR}:
            raise InputRefused("no_surface", "A projection has no surfaces; choose Volume or Surface first.")
        if len(view.surfaces) >= SURFACES:
            raise InputRefused("surfaces", f"There are {SURFACES} surfaces already; remove one first.")
        used = {s.colour for s in view.surfaces}
        colour = next((c for c in COLOURS if c not in used), COLOURS[0])
        self.surface_in_hand = len(view.surfaces)
        # a surface around another one would hide it: it comes in as glass
        around = any(s.visible and s.low > surface.low for s in view.surfaces)
        added = msgspec.structs.replace(surface, colour=colour, opacity=_GLASS if around else surface.opacity)
        self.put(view.replace(surfaces=(*view.surfaces, added)), "threshold")
        self._tell_surfaces()

    def change_surface(self, place: int, *, done: bool = True, **changes: object) -> None:
        """Colour, opacity, visibility or name of one surface."""
        view = self.view
        changed = msgspec.structs.replace(view.surfaces[place], **changes)
        self.put(
            view.replace(surfaces=(*view.surfaces[:place], changed, *view.surfaces[place + 1 :])), "look", done=done
        )

    def choose_surface(self, place: int) -> None:
        """The threshold slider moves this one from now on."""
        self.surface_in_hand = place
        self._hand.surfaced.emit()
        self._hand.changed.emit("3d")

    def remove_surface(self, place: int) -> None:
        """Take one away; a picture of surfaces alone goes back to the volume with the last one."""
        view = self.view
        left = (*view.surfaces[:place], *view.surfaces[place + 1 :])
        self.surface_in_hand = max(0, min(self.surface_in_hand, len(left) - 1))
        if not left and view.technique is Technique.SSD:
            self._hand.technique("vr")
            return
        self.put(view.replace(surfaces=left), "threshold")

    def _tell_surfaces(self) -> None:
        hand = self._hand
        if hand.session.actor is not None:
            unit = hand.session.volume.units
            named = [
                s.name or f"surface at {s.low:g} {unit if unit == 'HU' else ''}".strip() for s in self.view.surfaces
            ]
            hand.guarded(lambda: hand.whole.set_tissues("threshold", named, ", ".join(named)))

    # ---- cutting planes

    def tool_chosen(self) -> None:
        """The clip tool needs a plane to hold; it begins along the view."""
        if self._hand.tool == "clip" and not self.view.clips:
            self.add_clip()
        self.show_guides()

    def add_clip(self) -> None:
        """Cut along the view, through the crosshair: what lies in front of it goes."""
        view = self.view
        if len(view.clips) >= CLIPS:
            raise InputRefused("clips", f"There are {CLIPS} cutting planes already; remove one first.")
        self.clip_in_hand = len(view.clips)
        self._clips((*view.clips, self._hand.scene.clip_along_view()))

    def flip_clip(self, place: int) -> None:
        """Keep the other side."""
        clip = self.view.clips[place]
        back = planes.vector(-np.array(clip.normal_lps))
        self._clips(self._with(place, msgspec.structs.replace(clip, normal_lps=back)))

    def move_clip(self, place: int, along_mm: float, *, done: bool = True) -> None:
        """Put a cutting plane at a distance along its normal from the patient's origin."""
        clip = self.view.clips[place]
        n = np.array(clip.normal_lps)
        point = np.array(clip.point_lps_mm)
        moved = planes.vector(point + (along_mm - float(point @ n)) * n)
        self._clips(self._with(place, msgspec.structs.replace(clip, point_lps_mm=moved)), done=done)

    def tilt_clip(self, place: int, degrees: float, about: Literal["up", "right"], *, done: bool = True) -> None:
        """Turn a cutting plane about the picture's upright or level axis, through the plane's own point."""
        from render import camera as cameras

        camera = self.view.camera
        assert camera is not None
        right, down, _ = cameras.axes(camera)
        turn = planes.rotation(-down if about == "up" else right, degrees)
        clip = self.view.clips[place]
        tilted = planes.vector(turn @ np.array(clip.normal_lps))
        self._clips(self._with(place, msgspec.structs.replace(clip, normal_lps=tilted)), done=done)

    def remove_clip(self, place: int) -> None:
        """Without this cutting plane."""
        clips = self.view.clips
        self.clip_in_hand = max(0, min(self.clip_in_hand, len(clips) - 2))
        self._clips((*clips[:place], *clips[place + 1 :]))

    def remove_clips(self) -> None:
        """Without any."""
        if self.view.clips:
            self._clips(())

    def choose_clip(self, place: int) -> None:
        """The clip tool moves this one from now on."""
        self.clip_in_hand = place
        self.show_guides()

    def _with(self, place: int, clip: Clip) -> tuple[Clip, ...]:
        clips = self.view.clips
        return (*clips[:place], clip, *clips[place + 1 :])

    def _clips(self, clips: tuple[Clip, ...], *, done: bool = True) -> None:
        self.put(self.view.replace(clips=clips), "crop", done=done)
        if done:
            self.tell_clips()
        self.show_guides()

    def tell_clips(self) -> None:
        """Journal where the acting person has cut."""
        hand, count = self._hand, len(self.view.clips)
        if hand.session.actor is not None and count:
            told = "cut by a plane" if count == 1 else f"cut by {count} planes"
            hand.guarded(lambda: hand.whole.set_region("clip", told, None))

    def show_guides(self) -> None:
        """Draw the outline of the plane in the tool's hand over the 3D picture, as long as the tool is chosen."""
        view, hand = self.view, self._hand
        outline: tuple[tuple[float, float, float], ...] = ()
        if hand.tool == "clip" and view.clips:
            self.clip_in_hand = min(self.clip_in_hand, len(view.clips) - 1)
            outline = hand.scene.cut_outline(view.clips[self.clip_in_hand])
        hand.guide("3d", outline)

    # ---- segments

    def add_segment(self, segment: Segment) -> None:
        """One more segment, numbered and coloured, into all panes."""
        view = self.view
        numbers = {s.number for s in view.segments}
        number = next((n for n in range(1, 256) if n not in numbers), 0)
        if not number:
            raise InputRefused("segments", "There are 255 segments already; remove one first.")
        used = {s.colour for s in view.segments}
        colour = next((c for c in COLOURS[1:] if c not in used), COLOURS[1 + number % (len(COLOURS) - 1)])
        rest = tuple(s for s in view.segments if s.number == 0)
        named = tuple(s for s in view.segments if s.number != 0)
        self._segments((*rest, *named, msgspec.structs.replace(segment, number=number, colour=colour)))

    def change_segment(self, number: int, *, done: bool = True, **changes: object) -> None:
        """Name, colour, opacity, visibility, overlay or acceptance of one segment."""
        changed = tuple(msgspec.structs.replace(s, **changes) if s.number == number else s for s in self.view.segments)
        self._segments(changed, done=done)

    def remove_segment(self, number: int) -> None:
        """Without this segment; with the last one goes what hides the rest."""
        left = tuple(s for s in self.view.segments if s.number != number)
        self._segments(left if any(s.number for s in left) else ())

    @property
    def rest_hidden(self) -> bool:
        """Whether everything outside of the segments is hidden."""
        return any(s.number == 0 and not s.visible for s in self.view.segments)

    def hide_rest(self, hidden: bool) -> None:
        """Show in 3D the segments alone, or everything."""
        named = tuple(s for s in self.view.segments if s.number != 0)
        rest = (Segment(number=0, name="the rest", visible=False, overlay="none"),) if hidden and named else ()
        self._segments((*rest, *named))

    def _segments(self, segments: tuple[Segment, ...], *, done: bool = True) -> None:
        hand = self._hand
        self.put(self.view.replace(segments=segments, mask=""), "look", done=done)
        hand.request(*PLANES, quality="settled" if done else "drag")
        if done and hand.session.actor is not None and segments:
            named = [s.name or f"segment {s.number}" for s in segments if s.number and s.visible]
            if named:
                hand.guarded(lambda: hand.whole.set_tissues("segments", named, ""))
