"""The differences between fakes and real services that remain: rows here and in ``docs/fakes.md``.

Each row says of which service it is, how a difference that a sequence shows is recognised, and has an example, a
sequence that a test runs: it fails when the difference goes away. What no sequence shows has an example only: texts
without which both sides are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dirac_fakes import Caller
from tests.live.comparing import START, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.comparing import Difference


def _words(difference: Difference) -> bool:
    """Return whether only the words of an exception differ, and the state is the same."""
    sides = (difference.fake, difference.real)
    if difference.what != "answer" or not all(isinstance(side, dict) for side in sides):
        return False
    told = [str(side.get("Message", "")).partition("putRequest: ")[0] for side in sides]
    fake, real = ({**side, "Message": ""} for side in sides)
    return fake == real and told == ["Server error while serving "] * 2


def _millisecond(difference: Difference) -> bool:
    """Return whether only the rounding of one update's time differs, by a millisecond."""
    if difference.what != "history" or len(difference.fake) != len(difference.real):
        return False
    unequal = [pair for pair in zip(difference.fake, difference.real, strict=True) if pair[0] != pair[1]]
    return all(
        fake[:4] + fake[5:] == real[:4] + real[5:] and round(real[4] - fake[4], 3) == _ROUNDED for fake, real in unequal
    )


_ROUNDED = 0.001


def _float(difference: Difference) -> bool:
    """Return whether only the digits of floats differ, after the sixth one."""
    return difference.what == "state" and _six_digits(difference.fake) == _six_digits(difference.real)


def _six_digits(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_six_digits, value))
    return f"{value:.6g}" if isinstance(value, float) else value


def _call(method: str, *args: Any, seconds: float = 0) -> Step:
    return Step(Caller(), method, args, seconds)


class Known(NamedTuple):
    """A difference: of which service, an example, and how it is recognised in other sequences."""

    service: str
    example: list[Step]
    is_it: Callable[[Difference], bool] = lambda _: False


KNOWN: dict[str, Known] = {
    "words": Known(
        "RequestManagement/ReqProxy",
        [_call("putRequest", '{"Operations": [{"Type": "x", "Status": "y"}]}')],
        _words,
    ),
    "millisecond": Known(
        "WorkloadManagement/JobStateUpdate",
        [_call("setJobStatusBulk", 77, {f"{START}.000600": {"ApplicationStatus": "x"}})],
        _millisecond,
    ),
    "float": Known(
        "Accounting/DataStore",
        [_call("commit", "DataOperation", START, START, ["op", *"usdp", "p", "Done", 1, 1234567.5, 1.5, 1, 1, 1, 1])],
        _float,
    ),
    "statement": Known("Transformation/TransformationManager", [_call("getTransformationFiles", {"LFN": []})]),
    "SQLAlchemy": Known(
        "RequestManagement/ReqManager",
        [_call("putRequest", '{"RequestName": "x", "Error": "%s", "Operations": [{"Type": "x"}]}' % ("e" * 256))],
    ),
}


def explained(service: str, difference: Difference) -> str | None:
    """Return the name of the row that explains a difference, or None."""
    return next((name for name, row in KNOWN.items() if row.service == service and row.is_it(difference)), None)
