"""A threshold under the hand: a slider that shows while it moves and tells when it is let go, and its number."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QSlider, QWidget

from workstation.window.panels.parts import CONTROL, row

_COARSE = 200.0  # below this range (SUV, quantitative maps) whole units are too coarse
_FINE_STEPS = 100


class Threshold(QWidget):
    """Slider and number of one value.

    Parameters
    ----------
    low, high : range of the slider, in the volume's unit; the number may be typed beyond it
    value : where it stands at first
    unit : printed behind the number, or ""

    Signals: `moved(value, done)`, `done` False while the hand is on the slider.
    """

    moved = Signal(float, bool)

    def __init__(self, low: float, high: float, value: float, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._per = 1 if high - low >= _COARSE else _FINE_STEPS
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(low * self._per), max(round(high * self._per), round(low * self._per) + 1))
        self.slider.setPageStep(max((self.slider.maximum() - self.slider.minimum()) // 100, 1))
        self.slider.setAccessibleName("Threshold of the surface")
        self.number = QDoubleSpinBox()
        self.number.setDecimals(0 if self._per == 1 else 2)
        self.number.setRange(-65536, 65536)
        self.number.setSuffix(f" {unit}" if unit else "")
        self.number.setKeyboardTracking(False)
        self.number.setMinimumHeight(CONTROL)
        self.number.setMinimumWidth(72)
        self.number.lineEdit().setTextMargins(4, 0, 0, 0)
        self.number.setAccessibleName("Threshold of the surface, as a number")
        line = row(self.slider, self.number)
        line.setStretch(0, 3)
        line.setStretch(1, 2)
        self.setLayout(line)
        self._last = value
        self.put(value)
        self.slider.sliderMoved.connect(lambda _v: self._slid(done=False))
        self.slider.sliderReleased.connect(lambda: self._slid(done=True))
        # keys and the wheel move the slider without taking hold of it
        self.slider.actionTriggered.connect(lambda _a: QTimer.singleShot(0, self, self._keyed))
        self.number.editingFinished.connect(self._typed)

    def put(self, value: float) -> None:
        """Show a value without telling anybody; what the hand holds or types stays."""
        self._last = value
        if not self.slider.isSliderDown():
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(value * self._per))
        if not self.number.hasFocus():
            with QSignalBlocker(self.number):
                self.number.setValue(value)

    def _slid(self, *, done: bool) -> None:
        self._last = self.slider.sliderPosition() / self._per
        with QSignalBlocker(self.number):
            self.number.setValue(self._last)
        self.moved.emit(self._last, done)

    def _keyed(self) -> None:
        if not self.slider.isSliderDown() and self.slider.value() != round(self._last * self._per):
            self._slid(done=True)

    def _typed(self) -> None:
        if abs(self.number.value() - self._last) >= 0.5 / self._per:
            self._last = self.number.value()
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(self._last * self._per))
            self.moved.emit(self._last, True)
