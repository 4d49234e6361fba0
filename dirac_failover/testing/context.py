"""The context that the fixtures of one test share: its in-memory DIRAC, the connection, and its runs.

The plug-in makes a :class:`FixtureContext` for each test that uses any of them.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from dirac_failover.drivers.implementations import REFERENCE, implementation_of
from dirac_failover.errors import ImplementationUnavailableError
from dirac_failover.spec.duties import INPUTS_DUE
from dirac_failover.testing import grid_guard, running
from dirac_failover.testing.job_setup import JobSetup, clients, profile_named
from dirac_failover.testing.world import Dirac, connected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.testing.outcome import ModuleOutcome

MOST: Final = 3
"""The number of runs that are shown for a failed test."""


class FixtureContext:
    """One test: its worlds, its collaborators, its runs."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        """Keep the test; each object is made when it is first used."""
        self._request = request
        self._stack = ExitStack()
        self._worlds: list[Dirac] = []
        self._runs: list[ModuleOutcome] = []
        self._collaborators: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Stop the test's clock, if it has one, before any object is made."""
        if "dirac_clock" in self._request.fixturenames:
            self._request.getfixturevalue("dirac_clock")
        if self._request.node.get_closest_marker("dirac_fault"):
            _ = self.dirac
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect the clients."""
        self._stack.close()

    @cached_property
    def dirac(self) -> Dirac:
        """The world of the test, connected, with the faults of its markers armed."""
        world = self.make_dirac()
        for marker in reversed(list(self._request.node.iter_markers("dirac_fault"))):
            for fault in marker.args or [None]:
                with _failing("dirac_fault: "):
                    world.arm(fault, **marker.kwargs)
        implementation = self.implementation
        if "dirac_https" not in self._request.fixturenames:  # which connects it itself
            self._stack.enter_context(connected(implementation, world))
        return world

    def make_dirac(self, *args: Any, **kwargs: Any) -> Dirac:
        """Make another world, whose faults must strike as well."""
        world = Dirac(*args, **kwargs)
        self._worlds.append(world)
        return world

    @cached_property
    def implementation(self) -> Implementation:
        """The implementation of the test's clients: the real DIRAC when the test's file imports from there."""
        module = getattr(self._request.node, "module", None)
        return self._loaded(implementation_of(module))

    def _loaded(self, known: Implementation) -> Implementation:
        with _failing():
            if known.name != REFERENCE and not self._setting("dirac_allow_grid"):
                grid_guard.refuse("--dirac-allow-grid, or dirac_allow_grid = true in pytest's settings")
            return known.load()

    @cached_property
    def profile(self) -> str | None:
        """The profile of the workflows that run modules: by marker, option or ini setting; None without."""
        marker = self._request.node.get_closest_marker("dirac_profile")
        name: str | None = self._setting("dirac_profile")
        if marker:
            name = marker.args[0] if len(marker.args) == 1 else marker.args
        if name is not None:
            with _failing():
                profile_named(name)
        return name

    def _setting(self, name: str) -> Any:
        """Return the value of an option, or else of the ini setting of that name."""
        config = self._request.config
        return config.getoption(name) or config.getini(name) or None

    def collaborator(self, name: str) -> Any:
        """Make the test's own client, which its modules get as well."""
        situation = JobSetup.of(self.dirac)
        self._collaborators[name] = clients(self.implementation, situation.scenario)[name]
        return self._collaborators[name]

    def workflow_commons(self, **given: Any) -> dict[str, Any]:
        """Return ``workflow_commons`` for a module of the test."""
        more = {key: given.pop(key) for key in [*given] if key not in running.SITUATION}
        situation = JobSetup.of(self.dirac, workflow_commons=more, collaborators=self._collaborators, **given)
        return situation.workflow_commons(self.implementation, self.profile)

    def step_commons(self, **more: Any) -> dict[str, Any]:
        """Return ``step_commons`` for a module of the test."""
        return JobSetup.of(self.dirac, step_commons=more).step_commons()

    def run_module(self, module: type[Any], **given: Any) -> ModuleOutcome:
        """Run a module: :func:`dirac_failover.testing.run_module`."""
        __tracebackhide__ = True
        return self._ran(running.run_module(module, **self._around([module], given)))

    def run_job(self, modules: Iterable[Any], **given: Any) -> ModuleOutcome:
        """Run several modules as one job: :func:`dirac_failover.testing.run_job`."""
        __tracebackhide__ = True
        listed = list(modules)
        return self._ran(running.run_job(listed, **self._around(running.kinds_of(listed), given)))

    def _around(self, kinds: Iterable[Any], given: dict[str, Any]) -> dict[str, Any]:
        classes = [kind for kind in kinds if isinstance(kind, type)]
        self._loaded(implementation_of(*classes))
        if classes and f"{classes[-1].__module__}:{classes[-1].__qualname__}" == self._setting("dirac_port"):
            given.setdefault("duties", INPUTS_DUE)  # a port ends jobs, also without the class FailoverRequest
        world = given.pop("world", None) or self.dirac
        mine = self._collaborators if world is self.dirac else {}
        return {"world": world, "collaborators": mine, "profile": self.profile, **given}

    def _ran(self, outcome: ModuleOutcome) -> ModuleOutcome:
        self._runs.append(outcome)
        return outcome

    def check(self) -> None:
        """Fail the test when an armed fault has never struck, or a scripted answer has never been used."""
        unfired = [(world, world.unfired()) for world in self._worlds]
        if any(faults for _, faults in unfired):
            pytest.fail("\n".join(_never_struck(*item) for item in unfired if item[1]), pytrace=False)
        if unasked := [f"{key} of {run.name}" for run in self._runs for key in run.unasked]:
            pytest.fail(f"Answers that were given, and never asked for: {', '.join(unasked)}", pytrace=False)

    def sections(self) -> list[tuple[str, str]]:
        """Return the sections of the report of a failed test: title and text."""
        if self._runs:
            left = self._runs[:-MOST]
            more = [("DIRAC: earlier runs", "\n".join(map(repr, left)))] if left else []
            return more + [(f"DIRAC: {run.name}", run.timeline()) for run in self._runs[-MOST:]]
        return [("DIRAC: calls", "\n".join(world.journal.lines())) for world in self._worlds if len(world.journal)]


@contextmanager
def _failing(before: str = "") -> Iterator[None]:
    """Let a wrong setting fail the test, with its text alone."""
    try:
        yield
    except (ValueError, grid_guard.GridInSightError, ImplementationUnavailableError) as error:
        raise pytest.fail.Exception(f"{before}{error}", pytrace=False) from None


def _never_struck(world: Dirac, faults: list[Any]) -> str:
    called = ", ".join(dict.fromkeys(world.journal.methods())) or "nothing"
    return (
        f"Armed, and never struck: {', '.join(map(str, faults))}\n"
        f"Called was: {called}\n"
        "Arm it with required=False if that is all right."
    )
