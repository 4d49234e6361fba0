"""The specification of the services: what they answer, what they hold, and what faults make of it."""

from __future__ import annotations

import pytest

from dirac_failover.spec.model.services import ModelFault, Services, Times, fault, now
from dirac_failover.spec.scenario import Scenario


def services(*faults, **fields):
    """Services with faults, and the steps that they write."""
    steps = []
    scenario = Scenario(faults=faults, server_files={"/vo/a": "Assigned", "/vo/b": "Unused"}, **fields)
    return Services(scenario, Times(), steps), steps


def test_moments_are_named_in_the_order_in_which_they_are_shown():
    """Whenever they were."""
    times, first, second = Times(), now(), now()
    assert [times.show(moment) for moment in (second, first, second)] == ["<T1>", "<T2>", "<T1>"]


@pytest.mark.parametrize(("text", "known"), [
    ("transformation:down", ModelFault("transformation", None, "down", None, "")),
    ("job-state.setJobStatusBulk:refuse", ModelFault("job-state", "setJobStatusBulk", "refuse", None, "")),
    ("accounting:lost_reply", ModelFault("accounting", None, "lost_reply", None, "")),
    ("requests:first=12", ModelFault("requests", None, "first", 12, "")),
    ("requests:s_error=no", ModelFault("requests", None, "s_error", None, "no")),
    ("requests:s_error=no;stub=no", ModelFault("requests", None, "s_error", None, "no;stub=no")),
    ("requests:raises=ValueError:x y", ModelFault("requests", None, "raises", None, "ValueError:x y")),
    ("req-proxy:bad_shape=[1]", ModelFault("req-proxy", None, "bad_shape", None, "[1]")),
    ("requests:s_error=a@first=2", ModelFault("requests", None, "s_error", 2, "a")),
    ("requests:down@first=3", ModelFault("requests", None, "down", 3, "")),
    ("clock:skew=-600", ModelFault("clock", None, "skew", None, "-600")),
])  # fmt: skip
def test_faults_are_read(text, known):
    """Those that say for themselves what they do."""
    assert fault(text) == known


@pytest.mark.parametrize("text", [
    "file:disk_full", "clock:skew", "clock:skew=0", "clock.now:skew=5", "requests:timeout", "requests:down=1",
    "requests:down@nth=2", "requests:first=0", "requests:first", "requests:s_error", "requests:s_error=a;errno=1",
    "requests:s_error=a@first=0", "requests:bad_shape", "requests:raises=OSError:x", "requests:raises=ValueError",
    "requests:raises=ValueError:a:b", "requests", "", "requests:raises=ValueError:a@nth=2", "x requests:down",
    "requests:down x",
])  # fmt: skip
def test_other_faults_are_not_spoken_of(text):
    """They say None, not something near."""
    assert fault(text) is None


def test_the_first_of_two_faults_acts_and_both_count():
    """A fault of another service, or of another method, does neither, and an unknown one nothing."""
    here, steps = services(
        "accounting:down", "requests:partial=1", "requests.getRequest:down", "requests:first=1",
        "requests.putRequest:first=2", "requests:s_error=then",
    )  # fmt: skip
    for _ in range(4):
        here.call("requests", "putRequest", "{}")
    assert [step.result["Message"][:4] for step in steps] == ["HTTP", "HTTP", "then", "then"]


def test_what_json_does_not_know_cannot_be_sent():
    """It is no call: nothing is written down."""
    here, steps = services()
    for kind in ("Decimal", "set"):
        with pytest.raises(TypeError, match=rf"^Object of type {kind} is not JSON serializable$"):
            here.call("job-state", "setJobParameters", 77, [["CPU", [f"<{kind}>"]]])
    assert steps == []
