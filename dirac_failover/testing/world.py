"""The world of a test: an in-memory DIRAC whose faults must strike, and that records the acts on its services."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from dirac_failover import vocabulary as v
from dirac_failover.drivers.implementations import REFERENCE
from dirac_failover.wire.rpc import connect
from dirac_fakes.faults import LOCAL, PROCESS
from dirac_fakes.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.duties import Act
    from dirac_failover.wire.rpc import Transport
    from dirac_fakes.faults import Armed, Fault


class Dirac(World):
    """An in-memory DIRAC with one job and one transformation: a :class:`dirac_fakes.World`, with its arguments.

    >>> dirac = Dirac()
    >>> dirac.arm("accounting:down", required=False)
    Fault(target='accounting', method=None, kind='down', value=None, schedule='always')
    >>> dirac.transformation.down()
    >>> [str(fault) for fault in dirac.unfired()]
    ['transformation:down']
    """

    def _start(self) -> None:
        self._excused: list[Armed] = []
        self.acts: list[Act] = []
        """The acts of its jobs and of replays on its services."""
        super()._start()

    @property
    def job_id(self) -> int:
        """The ID of its first job."""
        return self._ids[0]

    @property
    def transformation_id(self) -> int:
        """The ID of its first transformation."""
        return self._ids[1]

    def arm(self, fault: Fault | str, *, required: bool = True) -> Fault:
        """Arm a fault; it must strike if it is ``required``."""
        armed = super().arm(fault)
        if not required:
            self._excused.append(self._ever_armed[-1])
        return armed

    def unfired(self) -> list[Fault]:
        """Return the required faults that never struck, disarmed or not."""
        return [
            armed.fault
            for armed in self._ever_armed
            if not armed.fired and not any(armed is excused for excused in self._excused)
        ]

    @property
    def harms_the_machine(self) -> bool:
        """Whether a fault is armed that hits files or the process, not a service."""
        return any(armed.fault.target in LOCAL for armed in self._armed)

    def crashes_after(self, step: str) -> bool:
        """Return whether the process ends after this step."""
        striking = [armed for armed in self._armed if armed.parameter == step and armed.strikes(PROCESS, "", ())]
        for armed in striking:
            armed.fired = True
        return bool(striking)

    def prepare(self, job_id: Any, inputs: Iterable[str]) -> None:
        """Add the job, as Running, and the input files, as Assigned, unless they are known."""
        if str(job_id).isdecimal() and int(job_id) not in self.job_state.state["jobs"]:
            self.job_state.add(int(job_id))
        ids, known = (self.transformation.state[name] for name in ("ids", "files"))
        lfns = [given.removeprefix("LFN:") for given in inputs]
        if unknown := [lfn for lfn in lfns if ids.get(lfn) not in known[self.transformation_id]]:
            self.transformation.add(self.transformation_id, unknown)


@contextmanager
def connected(
    implementation: Implementation, world: Dirac, transport: Transport | None = None, *, proxy: bool = True
) -> Iterator[None]:
    """Connect the reference's clients to a world for a ``with`` block, and those of ``implementation`` as well."""
    caller = world.caller
    who: dict[str, Any] = {"owner": caller.username, "group": caller.group} if proxy else {}
    who["options"] = {v.OPTION_REQUEST_PROXIES: urls} if (urls := world.proxy_urls()) else None
    way = transport or world
    with ExitStack() as stack:
        stack.enter_context(connect(way, sleep=world.clock.sleep, **who))
        if implementation.name != REFERENCE:
            stack.enter_context(implementation.connect(way, sleep=world.clock.sleep, **who))
        yield
