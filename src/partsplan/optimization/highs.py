"""HiGHS made to print nothing: not when made, not when run, whichever version is installed.

``highspy.Highs()`` enables callbacks when it is made, before anybody can switch its output off, and
highspy 1.16 prints its banner on that. A planning script's standard output is its own, so output is
off here before the callbacks are enabled.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def silent_highs(**options: object) -> Any:
    """A new ``highspy.Highs`` without output, with these options of HiGHS.

    Raises
    ------
    ValueError
        If HiGHS has no such option, or it cannot be that.
    """
    import highspy  # noqa: PLC0415

    model = _silent_class()()
    for name, value in options.items():
        if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS takes no option {name} = {value!r}")
    return model


@cache
def _silent_class() -> type[Any]:
    import highspy  # noqa: PLC0415

    class SilentHighs(highspy.Highs):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.setOptionValue("output_flag", False)  # for versions that enable none when made

        def enableCallbacks(self) -> None:  # noqa: N802
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()

    return SilentHighs
