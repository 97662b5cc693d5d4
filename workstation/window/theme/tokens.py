"""The look as values: the only file of the window that holds a colour. Contrast is told for text on `PANEL`."""

from __future__ import annotations

# Surfaces, from the picture outwards.
VIEWPORT = "#000000"
WINDOW = "#0E1114"
PANEL = "#15191E"
RAISED = "#1D232A"
HOVER = "#27303A"
PRESSED = "#313C48"
LINE = "#2B333C"
SELECTION = "#1F4A78"

# Words: 12.6 : 1, 6.7 : 1; disabled text is exempt by WCAG 1.4.3.
TEXT = "#D6DADF"
QUIET = "#98A1AB"
DISABLED = "#5C656F"
TITLE = "#F2F4F6"

# Meaning; never without an icon or a word beside it.
ACCENT = "#4DA3FF"
ON_ACCENT = "#08131F"
DONE = "#3FB68B"
WANTS = "#F2B24A"
REFUSED = "#F26D6D"
ON_MEANING = "#0E1114"

# Planes: Okabe and Ito's colours, told apart by red-green weak eyes too.
AXIAL = "#E69F00"
CORONAL = "#009E73"
SAGITTAL = "#56B4E9"
OTHER = "#CC79A7"
HALO = "#000000"
PLANES = {"axial": AXIAL, "coronal": CORONAL, "sagittal": SAGITTAL, "3d": OTHER}

# Measures, in points of the 4-point grid.
GAP = 4
CONTROL = 28
TOOLBAR = 40
BAR = 44
RAIL = 84
STRIP = 132
PANEL_WIDTH = 364
PANEL_NARROW = 328
FILM = 104
STATUS = 26
RADIUS = 4
ICON = 16
ICON_LARGE = 20

BODY = 13
LABEL = 11
HEADING = 15
NAME = 19

FAMILY = "Inter"
MONO = "DejaVu Sans Mono, Menlo, Consolas, monospace"
