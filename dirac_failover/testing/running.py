"""Runs modules in a set-up and returns the outcome: :func:`run_module`, and :func:`run_job` for several.

They run in the current directory, which is opened once; a run that leaves the process in another directory gets an
:class:`~dirac_failover.errors.AstrayWarning`. JOBID is set for the run alone.
"""

from __future__ import annotations

import difflib
import inspect
import os
import stat
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.actors.request_agents import acting
from dirac_failover.drivers.describe import PLAIN
from dirac_failover.drivers.implementations import implementation_of
from dirac_failover.drivers.recording import Recorder
from dirac_failover.drivers.replaced import job_id_kept, set_job_id
from dirac_failover.drivers.sandbox import MOST_OF_ALL, Place, named
from dirac_failover.drivers.setup import script_of
from dirac_failover.reports.trace import ignored, reason
from dirac_failover.spec.duties import INPUTS_DUE, ends_jobs, inputs_of
from dirac_failover.spec.observation import MODULE
from dirac_failover.testing.job_setup import JobSetup
from dirac_failover.testing.outcome import REQUEST_FILES, ModuleOutcome, PendingRequest, Unsent
from dirac_failover.testing.system_faults import Crashed, SystemFaults
from dirac_failover.testing.world import Dirac, connected
from dirac_failover.workflow import Module, Step, run_workflow
from dirac_fakes.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ModuleSpec = type[Any] | tuple[type[Any], "Mapping[str, Any]"]
"""A module class, or one with the attributes that the workflow gives it."""

_ESCAPES: Final = (Exception, SystemExit, GeneratorExit, Crashed)
"""The exceptions of a module: neither an interruption by Ctrl-C nor pytest's own exceptions."""
_PAIR: Final = 2
_TICK: Final = 0.001
_TICKS: Final = 20
"""The number and the seconds of the waits for the clock of a file system, which ticks every few ms."""


def run_module(
    module: type[Any],
    *,
    world: Dirac | None = None,
    executions: int = 1,
    profile: str | None = None,
    duties: str | None = None,
    **given: Any,
) -> ModuleOutcome:
    """Execute a module as the last one of a job and return the outcome.

    ``given`` are arguments of :meth:`~dirac_failover.testing.job_setup.JobSetup.of`; anything else is an attribute of
    the module. ``executions`` is how often the one instance is executed. ``profile`` names the implementation whose
    workflows it runs in. ``duties="inputs"`` says that the module owes each input file a status, as a FailoverRequest
    does. TypeError for an object that is no module class, and for a name that is nearly one of these; ValueError for
    fewer than one execution, for a profile that does not exist, and for other duties.
    """
    __tracebackhide__ = True
    if executions < 1:
        raise ValueError(f"run_module: executions: expected a number from 1, found {executions}")
    _check(module, "run_module")
    about, attributes = _divided(module, given)
    steps = (Step("", [Module(module, attributes)]),)
    return _outcome("run_module", steps, world, about, profile, duties, executions)


def run_job(
    modules: Iterable[ModuleSpec | Step],
    *,
    world: Dirac | None = None,
    profile: str | None = None,
    duties: str | None = None,
    **given: Any,
) -> ModuleOutcome:
    """Execute several modules as one job, as DIRAC's workflow engine does, and return the outcome.

    ``modules`` are classes, or pairs of a class and its attributes, which make one step; or they are
    :class:`~dirac_failover.workflow.Step` objects. ``given`` as for :func:`run_module`, without attributes. Raises
    TypeError for an object that is no module, and for an argument that does not exist; ValueError for such a profile.
    """
    __tracebackhide__ = True
    steps = _steps(modules)
    for kind in kinds_of(steps):
        _check(kind, "run_job")
    if unknown := given.keys() - SITUATION:
        raise TypeError(f"run_job: unknown argument {min(unknown)!r}; attributes stand beside the class, in a pair")
    return _outcome("run_job", steps, world, given, profile, duties)


class HookReturnWarning(UserWarning):
    """A hook of a module has returned a result that is not OK, which ``execute`` ignores."""


def _outcome(  # noqa: PLR0913, PLR0917 - what is run, and how
    who: str,
    steps: Sequence[Step],
    world: Any,
    about: Mapping[str, Any],
    profile: str | None,
    duties: str | None,
    executions: int | None = None,
) -> ModuleOutcome:
    """Run the steps; warn, at the hook's own lines, for each hook that has returned an error.

    ``executions`` is the number of executions of a single module; None when the steps are run as a workflow.
    """
    __tracebackhide__ = True
    if duties not in (None, INPUTS_DUE):
        raise ValueError(f"{who}: duties: expected {INPUTS_DUE!r} or None, found {duties!r}")
    if not isinstance(world, Dirac | None):
        raise TypeError(f"{who}: world: expected what make_dirac() returns, found {world!r}")
    world = Dirac() if world is None else world
    with Place(os.getcwd()) as place:
        outcome = _Run(steps, JobSetup.of(world, **about), world, place, profile, duties).outcome(executions)
    kinds = {type(module).__name__: type(module) for module in outcome.modules}
    for name, call in ignored(outcome.events, PLAIN.plain(outcome.result)):
        kind, hook, said = kinds.get(name, type(outcome.module)), call.method, reason(call.result.get("Message"))
        text = f"{kind.__name__}.{hook} returned {said}. A hook's return value is ignored: raise RuntimeError instead"
        code = getattr(inspect.unwrap(getattr(kind, hook)), "__code__", _outcome.__code__)
        warnings.warn_explicit(text, HookReturnWarning, code.co_filename, code.co_firstlineno)
    return outcome


SITUATION: Final = frozenset(inspect.getfullargspec(JobSetup.of).kwonlyargs)
"""The names of the arguments that describe a set-up."""


def kinds_of(modules: Iterable[Any]) -> list[Any]:
    """Return the module classes of a job, or of its steps."""
    return [module.kind for step in _steps(modules) for module in step.modules]


def _check(module: Any, who: str) -> None:
    if not isinstance(module, type):
        hint = f": pass the class, {type(module).__name__}" if hasattr(module, "execute") else ""
        raise TypeError(f"{who}: expected a module class, found {module!r}{hint}")
    if not callable(getattr(module, "execute", None)):
        raise TypeError(f"{who}: {module.__name__} is not a module: it has no execute() (derive it from ModuleBase)")


def _divided(module: type[Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide keyword arguments into those of the set-up and attributes of the module."""
    attributes = {name: value for name, value in given.items() if name not in SITUATION}
    for name in attributes:
        near = difflib.get_close_matches(name, sorted({*SITUATION, "executions", "world"}), cutoff=0.8)
        if near and not hasattr(module, name):
            raise TypeError(f"run_module: unknown argument {name!r}: did you mean {near[0]!r}?")
    return {name: value for name, value in given.items() if name in SITUATION}, attributes


def _steps(given: Iterable[Any]) -> tuple[Step, ...]:
    if not isinstance(given, Iterable):
        raise TypeError(f"run_job: expected a list of module classes, found {given!r}")
    modules = list(given)
    if not modules:
        raise TypeError("run_job: expected at least one module class, found none")
    if all(isinstance(item, Step) for item in modules):
        return tuple(modules)
    pairs = [item if isinstance(item, tuple) else (item, {}) for item in modules]
    for pair in pairs:
        if len(pair) != _PAIR or not isinstance(pair[1], Mapping):
            raise TypeError(f"run_job: expected a module class and a dictionary of its attributes, found {pair}")
    return (Step("job", [Module(kind, dict(attributes)) for kind, attributes in pairs]),)


class _Run:
    """One run of modules in a directory: their set-up, and the notes during the execution."""

    def __init__(  # noqa: PLR0913, PLR0917 - one argument for each thing that a test may set
        self,
        steps: Sequence[Step],
        situation: JobSetup,
        world: Dirac,
        place: Place,
        profile: str | None,
        duties: str | None,
    ) -> None:
        self._steps, self._situation, self._world, self._place = steps, situation, world, place
        self._profile, self._duties = profile, duties
        self._implementation = implementation_of(*kinds_of(steps)).load()
        self._results: list[Any] = []
        self._modules: list[Any] = []
        self._machine = SystemFaults(world) if world.harms_the_machine else None
        self._recorder = Recorder(self._implementation, process=self._machine)
        self._witness = self._recorder.witness

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        way = self._recorder.transport(self._world)
        with (
            job_id_kept(),
            connected(self._implementation, self._world, way, proxy=bool(self._situation.scenario.owner)),
            self._machine.disk(self._place.path) if self._machine else nullcontext(),
            self._recorder.watching(),
            acting(self._world.acts, self._witness, self._world),
        ):
            set_job_id(self._situation.job_id)
            self._script = script_of(self._implementation, self._situation.scenario, Journal())
            self._commons = self._situation.workflow_commons(self._implementation, self._profile, self._script)
            self._witness.begin(self._commons, self._inputs())
            before = _settled(self._place)
            try:
                yield
            finally:
                after = _files(self._place)
                self._written = {name: state for name, state in sorted(after.items()) if state != before.get(name)}
                self._place.leave()

    def _inputs(self) -> tuple[tuple[str, str], ...]:
        """Return the input files that the job must give a status."""
        last = self._steps[-1].modules[-1]
        reports = self._duties == INPUTS_DUE or (isinstance(last.kind, type) and ends_jobs(last.kind))
        return inputs_of(self._commons, last.parameters) if reports else ()

    def _alone(self, executions: int) -> Callable[[], Any]:
        (step,) = self._steps
        (module,) = step.modules
        instance = self._made(module.kind)
        commons = {"workflow_commons": self._commons, "step_commons": self._situation.step_commons()}
        for name, value in {**self._situation.scenario.attributes, **commons, **module.parameters}.items():
            setattr(instance, name, value)

        def execute() -> Any:
            for _ in range(executions):
                self._results.append(instance.execute())
            return self._results[-1]

        return execute

    def _workflow(self) -> Callable[[], Any]:
        def watched(module: Module) -> Module:
            return replace(module, kind=lambda: self._made(module.kind, inside=True))

        extra = {key: value for key, value in self._situation.step_commons().items() if key != "STEP_INSTANCE_NAME"}
        steps = [
            replace(step, modules=[watched(module) for module in step.modules], parameters={**extra, **step.parameters})
            for step in self._steps
        ]
        return lambda: run_workflow(steps, self._commons)

    def _made(self, kind: Callable[[], Any], *, inside: bool = False) -> Any:
        """Create a module and record its calls; ``inside`` a workflow, its execution is noted too."""
        instance = kind()
        self._modules.append(instance)
        self._recorder.module(instance)
        if inside:
            execute = instance.execute

            def executed() -> Any:
                try:
                    result = self._recorder.call(MODULE, f"{type(instance).__name__}.execute", execute)
                finally:
                    del instance.execute
                self._results.append(result)
                return result

            instance.execute = executed
        return instance

    def outcome(self, executions: int | None) -> ModuleOutcome:
        """Run the modules and return the outcome."""
        calls, history = len(self._world.journal), len(self._rows())
        result, raised = None, None  # type: Any, BaseException | None
        with self._prepared():
            execute = self._workflow() if executions is None else self._alone(executions)
            try:
                result = execute()
            except _ESCAPES as error:
                raised = error
        return ModuleOutcome(
            name=", ".join(kind.__name__ for kind in kinds_of(self._steps)),
            modules=tuple(self._modules),
            results=tuple(self._results),
            result=result,
            raised=raised,
            calls=Journal(self._world.journal.calls[calls:]),
            events=tuple(self._recorder.calls),
            workflow_commons=self._commons,
            statuses=[row["ApplicationStatus"] for row in self._rows()[history:] if row["ApplicationStatus"] != "idem"],
            directory=Path(self._place.path),
            texts={
                name: self._place.look(name, MOST_OF_ALL)[0]
                for name, state in self._written.items()
                if name.endswith(REQUEST_FILES) and stat.S_ISREG(state[0])
            },
            others={
                name: named(mode) or f"<{size} bytes>"
                for name, (mode, size, *_) in self._written.items()
                if not name.endswith(REQUEST_FILES)
            },
            world=self._world,
            request=PendingRequest(self._commons.get(v.COMMONS_REQUEST)),
            unsent=Unsent.of(self._commons),
            unasked=self._script.unused(),
            job_id=str(self._situation.job_id).strip(),
            owner=self._situation.scenario.owner,
            owed=self._witness.owed(self._modules, type(raised).__name__ if raised else ""),
            job=self._witness,
        )

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        number = str(self._situation.job_id)
        history: dict[int, list[Any]] = self._world.job_state.state["history"]
        return history.get(int(number), ()) if number.isdecimal() else ()


def _files(place: Place) -> dict[str, tuple[int, ...]]:
    """Return mode, size, and the other marks of a written file, for each file by its name."""
    with os.scandir(place.descriptor) as entries:
        states = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
    return {
        name: (state.st_mode, state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns)
        for name, state in states.items()
    }


def _settled(place: Place) -> dict[str, tuple[int, ...]]:
    """Return the same after a tick of the file system's clock, so that later files have later times."""
    files = _files(place)
    last = max((changed for *_, changed in files.values()), default=0)
    for _ in range(_TICKS):
        if last < time.clock_gettime_ns(_COARSE):
            break
        time.sleep(_TICK)
    return files


_COARSE: Final = getattr(time, "CLOCK_REALTIME_COARSE", time.CLOCK_REALTIME)  # Linux takes the times of files from it
