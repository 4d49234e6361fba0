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
    told = "Server error while serving putRequest: "
    return all(isinstance(side, dict) and str(side.get("Message", "")).startswith(told)
               for side in (difference.fake, difference.real))  # fmt: skip


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
