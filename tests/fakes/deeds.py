"""All that can happen in a world, as a strategy: calls of every method that is faked, and the work of those around."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from dirac_failover.actors.request_agents import kick
from dirac_fakes import Caller, World
from tests.live import calls
from tests.live.comparing import Step

if TYPE_CHECKING:
    from collections.abc import Callable

SEQUENCES: Final = {
    "job-state": calls.JOB_SEQUENCES,
    "transformation": calls.FILE_SEQUENCES,
    "accounting": calls.RECORD_SEQUENCES,
    "requests": calls.REQUEST_SEQUENCES,
    "req-proxy": calls.PROXY_SEQUENCES,
    "req-proxy/two": calls.PROXY_SEQUENCES,
}
"""Sequences of calls, by service."""
PUT: Final = json.dumps({"RequestName": "put", "Operations": [{"Type": "x"}], "NotBefore": "2020-01-01 00:00:00"})


def sensible(name: str) -> list[Step]:
    """Return a call of each method of a service as a job makes it."""
    alone = calls.ALONE[World(proxies=["two"]).service(name).full]
    return [
        Step(Caller(), method, tuple(json.dumps(value) if "RequestName" in str(value) else value for value in args), 1)
        for method, *args in alone
    ]


def _saved_and_put_back(world: World) -> None:
    for service in world.services.values():
        service.state = service.saved()


def _forget_a_record(world: World) -> None:
    world.accounting.state = {"records": world.accounting.state["records"][1:]}


WORK: Final[dict[str, Callable[[World], Any]]] = {
    "a new job": lambda world: world.job_state.add(80 + len(world.job_state.state["jobs"])),
    "a job again": lambda world: world.job_state.add(77, Status="Completing"),
    "a new file": lambda world: world.transformation.add(12, [f"/vo/{len(world.transformation.state['ids'])}"]),
    "a file again": lambda world: world.transformation.add(12, {"/vo/a": {"Status": "Unused"}}),
    "a new transformation": lambda world: world.transformation.add(5),
    "a transformation with files": lambda world: world.transformation.add(6, ["/vo/a", "/vo/six"]),
    "the clock": lambda world: world.arm("clock:skew=30"),
    "a request": lambda world: world.requests.put(PUT),
    "requests taken": lambda world: world.requests.take(),
    "an agent for stale requests": kick,
    "a sweep": lambda world: [proxy.sweep() for proxy in world.proxies()],
    "a sweep into the database": lambda world: [proxy.sweep(database=True) for proxy in world.proxies()],
    "another proxy": lambda world: world.arm("req-proxy/three:down@nth=9"),
    "an acknowledgement that is false": lambda world: world.arm("job-state:false_ack@nth=1"),
    "a state that is put back": _saved_and_put_back,
    "a record that is forgotten": _forget_a_record,
    "hours": lambda world: world.clock.sleep(2 * 3600),
}
"""What happens besides calls."""


def do(world: World, deed: Any) -> None:
    """Let it happen: a deed is a name of :data:`WORK`, or a service and a step."""
    if isinstance(deed, str):
        WORK[deed](world)
        return
    service, step = deed
    asked, world.caller = world.caller, step.caller
    world(world.proxy_urls() if "/" in service else world.service(service).full, step.method, step.args)
    world.caller = asked
    world.clock.sleep(timedelta(seconds=step.seconds).total_seconds())


_STEPS = st.one_of(*(
    st.tuples(st.just(name), sequences).flatmap(
        lambda drawn: st.sampled_from([(drawn[0], step) for step in drawn[1][1]])
    )
    for name, sequences in SEQUENCES.items()
))  # fmt: skip
DEEDS: Final[Any] = _STEPS | st.sampled_from([*WORK])
