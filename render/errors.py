"""What goes wrong in `render`, in one sentence for a person and one code for a program."""


class RenderError(Exception):
    """A picture or surface that cannot be made.

    Parameters
    ----------
    code : short machine word, for example ``"geometry"``, ``"no_gl"``, ``"too_large"``
    sentence : what happened and what can be done, without patient data
    """

    def __init__(self, code: str, sentence: str, **detail: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.detail = detail


class GeometryError(RenderError):
    """A grid that is no grid: singular, not finite, or not affine."""

    def __init__(self, sentence: str, **detail: object) -> None:
        super().__init__("geometry", sentence, **detail)


class Cancelled(Exception):
    """A newer request made this one needless; never shown to a person."""
