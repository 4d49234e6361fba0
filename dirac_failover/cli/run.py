"""``dirac-failover run``: the end of one job on the in-memory DIRAC, and which of its reports get through.

The options, or a file, make a scenario; the recorder executes it; recovery replays what is left; the report of it all
is shown as a timeline, or as JSON. Every way in which an option or a file can be wrong is found before anything runs.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dirac_failover import vocabulary as v
from dirac_failover.actors.run_report import run
from dirac_failover.cli import output
from dirac_failover.cli.exits import CommandError, Exit, NeverStruckError
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, implementation_named, implementation_of
from dirac_failover.drivers.observe import HOOKS
from dirac_failover.drivers.validate import checked
from dirac_failover.errors import FileError, no_such, prefixed, read_file
from dirac_failover.reports.timeline import render
from dirac_failover.request.validator import RequestValidator
from dirac_failover.spec.duties import INPUTS_DUE
from dirac_failover.spec.observation import flatten
from dirac_failover.spec.scenario import SCRIPTED, Scenario
from dirac_fakes.faults import SCHEDULES, SERVICES, as_fault
from dirac_fakes.kinds import KINDS
from dirac_fakes.requests import proxy_urls

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from dirac_failover.actors.report import RunReport
    from dirac_failover.drivers.implementations import Implementation
    from dirac_failover.spec.observation import Json

INPUTS: Final = ("/vo/a", "/vo/b")
FAULTS: Final = ("transformation:down",)
RECORDS: Final = 10_000
"""The most accounting records, two bundles: more would show nothing else, and take long."""
NONE: Final = "none"
OPERATION_TYPES: Final = (
    *RequestValidator.reqAttrs, v.SET_FILE_STATUS, "ArchiveFiles", "CheckMigration", "MoveReplica", "StagingCallback",
    "LogUpload", "WMSSecureOutputData",
)  # fmt: skip
"""The types that the RequestExecutingAgents of DIRAC, LHCbDIRAC and ILCDIRAC execute."""
_OF_THE_JOB: Final = {
    "inputs": "--input",
    "job_id": "--job-id",
    "workflow_failed": "--workflow-failed",
    "step_failed": "--step-failed",
    "reported": "--reported",
    "accounting": "--accounting",
    "operations": "--operation",
    "no_proxy": "--no-proxy",
    "request_proxies": "--request-proxy",
    "answers": "--answer",
}
_PRINTS: Final = "--json is described by 'dirac-failover schema run', FILE by 'dirac-failover schema scenario'."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    # fmt: off
    parser.epilog = f"{_vocabulary()}\n\n{_PRINTS}"
    job = parser.add_argument_group("the job")
    add = job.add_argument
    add("--input", dest="inputs", metavar="LFN", action="append",
        help=f"an input file; again for more; {NONE}: no input data (default: {' and '.join(INPUTS)})")
    add("--job-id", metavar="ID", help=f"JOBID; {NONE}: not set (default: 77)")
    add("--workflow-failed", action="store_true", help="an earlier step has failed")
    add("--step-failed", action="store_true", help="an earlier module of this step has failed")
    add("--reported", metavar="LFN=STATUS", action="append", default=[],
        help="an earlier module has given a file this status; again for more")
    add("--accounting", metavar="N", type=int, default=0, help="accounting records that wait to be sent")
    add("--operation", dest="operations", metavar="TYPE|JSON", action="append", default=[],
        help='an earlier module has left this operation in the request, such as \'{"Type": "RemoveFile", "Files": '
        "[\"/vo/x\"]}'; again for more")
    add("--no-proxy", action="store_true", help="requests have no owner")
    add("--request-proxy", dest="request_proxies", metavar="HOST", action="append", default=[],
        help="the configuration names a request proxy on this host, whose faults are those of req-proxy/HOST; again "
        "for more, which are asked in a random order")
    add("--scenario", metavar="FILE|NAME",
        help="instead of the options above: the whole situation as JSON (-: stdin), or a scenario's name in a report")
    around = parser.add_argument_group("what runs, and what goes wrong")
    add = around.add_argument
    add("--module", metavar="PACKAGE.MODULE:CLASS", help="the module (default: the implementation's FailoverRequest)")
    add("--duties", choices=[INPUTS_DUE],
        help="the duty of a module of any class: a status for each input file (a FailoverRequest always has it)")
    add("--implementation", metavar="NAME",
        help=f"the clients and requests that it gets: {', '.join(IMPLEMENTATIONS)} (default: those of its base class)")
    add("--fault", dest="faults", metavar="FAULT", action="append",
        help=f"what goes wrong, as below; again for more; with --scenario, besides the file's; {NONE}: nothing "
        f"(default: {', '.join(FAULTS)}; with --answer nothing)")
    add("--answer", dest="answers", metavar="COLLABORATOR.METHOD=ANSWER", action="append", default=[],
        help="a fake collaborator, which calls no service, answers this, such as FileReport.commit=s_error; again for "
        "the next call, the last one is repeated; an ANSWER is one of: ok, ok=JSON, operation, s_error[=TEXT], "
        "bad_shape=JSON, raises=NAME[:TEXT[:NUMBER]]")
    add = parser.add_argument
    add("--json", action="store_true", help="print the report for machines")
    add("--check", action="store_true", help="exit with 1 unless every report that the job owed has arrived, once")
    # fmt: on


def _vocabulary() -> str:
    kinds = [(name, kind.sees) for name, kind in KINDS.items() if kind.function]
    width = max(len(name) for name, _ in kinds)
    return "\n".join(
        [
            "a FAULT is SERVICE[.METHOD]:KIND[=VALUE][@SCHEDULE]",
            f"  services   {', '.join(SERVICES)}",
            f"  schedules  {', '.join(SCHEDULES)}=...; alone, as in job-state:first=2, they refuse the connection",
            "  kinds, and what the caller sees:",
            *(f"    {name.ljust(width)}  {sees}" for name, sees in kinds),
        ]
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    report = report_of(arguments)
    if arguments.check and report.recovery is None:
        raise CommandError("--check: every collaborator is scripted, so there are no services that could converge")
    output.tell(arguments, report.to_json, lambda style: render(report, style))
    _check_struck(arguments.faults or (), report)
    return Exit.DIFFERS if arguments.check and not (report.recovery and report.recovery.converged) else Exit.OK


def report_of(arguments: argparse.Namespace) -> RunReport:
    """Run the scenario that the arguments describe; return the report."""
    scenario = checked(_scenario(arguments))
    module = find_class(arguments.module) if arguments.module else None
    implementation = _implementation(arguments.implementation, module)
    return run(implementation, scenario, module, duties=arguments.duties)


def _check_struck(given: Iterable[str], report: RunReport) -> None:
    """Raise NeverStruckError when a fault of the command line never struck: the run does not show its effect."""
    unfired = {str(as_fault(text)) for text in report.unfired}
    for text in given:
        if text != NONE and str(fault := as_fault(text)) in unfired:
            asked = [call.method for call in flatten(report.calls) if call.target == fault.target]
            called = f"{fault.target} was asked for {', '.join(dict.fromkeys(asked)) or 'nothing'}"
            raise NeverStruckError(f"--fault {text}: it never struck ({called})")


def _scenario(arguments: argparse.Namespace) -> Scenario:
    if arguments.scenario is None:
        return _of_options(arguments)
    given = [option for name, option in _OF_THE_JOB.items() if getattr(arguments, name)]
    if given:
        raise CommandError(f"{', '.join(given)} cannot stand beside --scenario, which says all about the job")
    from dirac_failover.conformance.examples import scenario_named  # slow, and seldom needed

    with prefixed("--scenario"):
        scenario = scenario_named(arguments.scenario)
        text = b"" if scenario else _read(arguments.scenario)
    if scenario is None:
        with prefixed(f"--scenario {arguments.scenario}"):
            scenario = Scenario.from_text(text)
    return replace(scenario, faults=(*scenario.faults, *_unless_none("--fault", arguments.faults, ())))


def _read(path: str) -> bytes:
    if path != "-":
        return read_file(path)
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror}") from error


def _of_options(arguments: argparse.Namespace) -> Scenario:
    inputs = _unless_none("--input", arguments.inputs, INPUTS)
    for lfn in inputs:
        if not lfn or ";" in lfn:
            raise CommandError(f"--input: expected an LFN without ';', found {lfn!r}")
    if not 0 <= arguments.accounting <= RECORDS:
        raise CommandError(f"--accounting: expected a number from 0 to {RECORDS}, found {arguments.accounting}")
    job_id = arguments.job_id
    if job_id not in {None, NONE} and not (job_id.isascii() and job_id.isdecimal()):
        raise CommandError(f"--job-id: expected a whole number that is not negative, or {NONE}, found {job_id!r}")
    scenario = Scenario.of_job(
        inputs=inputs,
        job_id=77 if job_id is None else None if job_id == NONE else job_id,
        workflow_failed=arguments.workflow_failed,
        step_failed=arguments.step_failed,
        reported=dict(map(_reported, arguments.reported)),
        records=arguments.accounting,
        operations=map(_operation, arguments.operations),
        owner=None if arguments.no_proxy else ("alice", "vo_user"),
        faults=_unless_none("--fault", arguments.faults, () if arguments.answers else FAULTS),
    )
    known = {lfn.removeprefix("LFN:"): status for lfn, status in scenario.server_files.items()}
    answers: dict[str, tuple[str, ...]] = {}
    for text in arguments.answers:
        key, _, answer = text.partition("=")
        answers[key] = (*answers.get(key, ()), answer)
    fakes = dict.fromkeys((key.partition(".")[0] for key in answers), SCRIPTED)
    proxies = proxy_urls(map(_host, arguments.request_proxies))
    return replace(
        scenario,
        server_files=known,
        answers=answers,
        collaborators={**scenario.collaborators, **fakes},
        options={v.OPTION_REQUEST_PROXIES: proxies} if proxies else {},
    )


def _host(text: str) -> str:
    if not re.fullmatch(r"[\w-]+", text):
        raise CommandError(f"--request-proxy: expected the name of a host without its domain, found {text!r}")
    return text


def _unless_none(option: str, given: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return default
    if NONE in given and len(given) > 1:
        raise CommandError(f"{option}: {NONE} cannot stand beside others")
    return () if given == [NONE] else tuple(given)


def _reported(text: str) -> tuple[str, str]:
    lfn, _, status = text.rpartition("=")
    if not lfn or not status:
        raise CommandError(f"--reported: expected LFN=STATUS, found {text!r}")
    return lfn, status


def _operation(text: str) -> dict[str, Json]:
    if not text or text.startswith("["):
        raise CommandError(f"--operation: expected a type or a JSON object, found {text!r}")
    try:
        fields: dict[str, Json] = json.loads(text) if text.startswith("{") else {"Type": text}
    except (ValueError, RecursionError) as error:
        raise CommandError(
            f"--operation: expected a type or a JSON object, and {text!r} is not JSON: {error}"
        ) from error
    if (kind := fields.get("Type")) not in (None, *OPERATION_TYPES):
        text = no_such("operation type", str(kind), OPERATION_TYPES)
        raise CommandError(f"--operation: {text}; in a file for --scenario it may be any")
    return fields


# What runs


def _implementation(name: str | None, module: type[Any] | None) -> Implementation:
    if name is None:
        return implementation_of(*filter(None, [module])).load()
    with prefixed("--implementation"):
        named = implementation_named(name)
    return named.load()


def find_class(path: str) -> type[Any]:
    """Return the module class ``package.module:Class``; the working directory is searched, too.

    Raises PortError unless it has the methods of a module, and PortBrokenError when it cannot be imported.
    """
    package, _, name = path.partition(":")
    if not package or not name:
        raise CommandError(f"--module: expected PACKAGE.MODULE:CLASS, found {path!r}")
    from dirac_failover.drivers import resolve  # slow, and seldom needed

    with prefixed("--module"):
        return resolve.module_class(path, resolve.find(path), ("execute", *HOOKS))
