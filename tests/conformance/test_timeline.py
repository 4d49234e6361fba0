from __future__ import annotations

from typing import Any

import pytest

from dirac_failover.conformance.page import Page, Style
from dirac_failover.conformance.timeline import render, show, table
from dirac_failover.spec.scenario import Scenario
from dirac_failover.wire import dencode

STUB = [["A/B", {}], "method", [1, "x"]]
REFUSED = {"OK": False, "Errno": 0, "Message": "HTTPSConnectionPool: [Errno 111] Connection refused')): None"}


def call(target: str = "module", method: str = "_execute", *args: Any, **others: Any) -> dict[str, Any]:
    """A call as a report has it."""
    return {"target": target, "method": method, "args": list(args), "answer": None, "calls": [], **others}


def operation(**changes: Any) -> dict[str, Any]:
    names = ("Arguments", "SourceSE", "TargetSE", "Catalog", "Error", "decoded")
    return {**dict.fromkeys(names), "Type": "X", "Status": "Waiting", "Files": [], **changes}


SERVICES: dict[str, Any] = {
    "jobs": {
        "77": {"Status": "Running", "MinorStatus": "m", "ApplicationStatus": "a", "history": [], "parameters": {}}
    },
    "files": {"/a": {"Status": "Processed", "ErrorCount": 0}},
    "accounting": [],
    "requests": [],
}
RECOVERY: dict[str, Any] = {
    "handed_over": None,
    "requests": [],
    "services": SERVICES,
    "converged": True,
    **{name: [] for name in ("kept", "lost", "twice", "waiting", "unchecked")},
}


def shown(style: Style = Style(100), scenario: Scenario | None = None, **changes: Any) -> dict[str, list[str]]:  # noqa: B008
    """Render a report with these changes; return the lines of each section."""
    report = {
        "implementation": {"kit": "reference", "version": "0.1.0", "module": "package.module:Class"},
        "scenario": (scenario or Scenario.of_job()).to_json(),
        "unfired": [],
        "ended": "returned",
        "result": {"OK": True, "Value": None},
        "calls": [],
        "services": SERVICES,
        "request": None,
        "files": {},
        "recovery": RECOVERY,
        **changes,
    }
    found: dict[str, list[str]] = {}
    for line in render(report, style).splitlines():
        if (title := line.removeprefix("\x1b[1m")).startswith(style.sign("rule") * 2):
            found[title.removesuffix("\x1b[0m").strip("─- ")] = here = []
        else:
            here.append(line)
    return {title: lines[:-1] if lines[-1:] == [""] else lines for title, lines in found.items()}


def calls(*made: dict[str, Any], style: Style = Style(100)) -> list[str]:  # noqa: B008
    """The lines of these calls."""
    return shown(style, calls=list(made))["What happened"][:-1]


def answer(**of_call: Any) -> str:
    """What is shown beside a call to a service."""
    (line,) = calls(call("transformation", "go", **of_call))
    assert line.startswith("  transformation.go()  ")
    return line.removeprefix("  transformation.go()  ")


def test_a_report_begins_with_the_verdict() -> None:
    """The situation and all details follow, the last section only when there were services."""
    sections = ["Verdict", "Job", "What happened", "What the services hold", "The request", "After recovery"]
    assert list(shown()) == sections
    assert list(shown(recovery=None)) == sections[:-1]


@pytest.mark.parametrize("name", ["<T1>", "<time>", "<name>"])
def test_names_that_stand_for_times_are_explained_where_they_appear(name: str) -> None:
    """In one line below the calls, for names in a call and in its answer; a page without them does not have it."""
    explained = "  <T1>, <T2>, <time> and <name> stand for times and names, which differ in each run."
    for made in (call("Request", "go", name), call("Request", "go", answer={"OK": True, "Value": name})):
        assert shown(calls=[made])["What happened"][-1] == explained
    assert explained not in shown()["What happened"]


def test_without_services_that_is_said() -> None:
    """Instead of what they hold."""
    assert shown(services=None)["What the services hold"] == [
        "  Every collaborator is scripted: there are no services here."
    ]


# Job


def test_a_plain_job_is_told_in_six_lines() -> None:
    """Module, ID, inputs, what happened before, proxy and faults; always."""
    assert shown()["Job"] == [
        "  module     package.module:Class, with the clients of reference 0.1.0",
        "  job        77",
        "  inputs     none",
        "  until now  all went well",
        "  proxy      alice, vo_user",
        "  faults     none",
    ]


def test_everything_about_a_job_is_told() -> None:
    """Whatever its scenario says."""
    scenario = Scenario.of_job(
        name="not told",
        inputs=["/a", "/b"],
        job_id=None,
        workflow_failed=True,
        step_failed=True,
        reported={"/a": "Problematic", "/b": "Unused"},
        records=1,
        operations=[{"Type": "RemoveFile", "Files": ["/x"]}, {"Type": "Other"}],
        owner=None,
        faults=["transformation:down", "accounting:down"],
    )
    assert shown(scenario=scenario, unfired=["accounting:down"])["Job"] == [
        "  module      package.module:Class, with the clients of reference 0.1.0",
        "  job         none: JOBID is not set",
        "  inputs      /a, /b",
        "  until now   workflow and step failed",
        "  reported    /a Problematic, /b Unused",
        "  accounting  1 record to be sent",
        "  operations  RemoveFile (/x), Other",
        "  proxy       none",
        "  faults      transformation:down, accounting:down (never struck)",
    ]


def test_one_failure_is_told_alone() -> None:
    """Of the step, say; a status that is none is no failure."""
    assert shown(scenario=Scenario.of_job(step_failed=True))["Job"][3] == "  until now  step failed"
    odd = Scenario(attributes={"workflowStatus": {}, "stepStatus": None})
    assert shown(scenario=odd)["Job"][3] == "  until now  all went well"


def test_what_only_a_file_can_say_is_told_too() -> None:
    """Fields without words of their own; of others, the part that is not said already."""
    scenario = Scenario.from_json(
        {
            "environment": {"JOBID": "77", "SITE": "here"},
            "workflow_commons": {"PRODUCTION_ID": "1", "JOB_ID": "2", "InputData": None, "JobType": "User"},
            "attributes": {"STEP_NUMBER": "2", "workflowStatus": {"OK": True}, "stepStatus": {"OK": True}, "jobID": 5},
            "step_commons": {},
            "unsent_statuses": ["said"],
            "executions": 2,
            "owner": ["bob", "vo_prod"],
            "server_files": {"/a": "Unused"},
            "collaborators": {"JobReport": "scripted", "Request": "live", "FileReport": "scripted"},
            "answers": {"FileReport.commit": ["s_error", "ok"], "FileReport.getFiles": ["ok={}"]},
        }
    )
    assert shown(scenario=scenario)["Job"][4:6] == ["  proxy             bob, vo_prod", "  faults            none"]
    assert shown(scenario=scenario)["Job"][6:] == [
        "  environment       {'SITE': 'here'}",
        "  attributes        {'jobID': 5}",
        "  workflow commons  {'JobType': 'User'}",
        "  collaborators     scripted: JobReport, FileReport; live: Request",
        "  answers           FileReport.commit: s_error, ok; FileReport.getFiles: ok={}",
        "  unsent statuses   ['said']",
        "  executions        2",
    ]


def test_a_module_that_a_scenario_makes_is_described() -> None:
    """Whose class it is, which hooks it replaces, and the methods that are called instead of execute."""
    scenario = Scenario.from_json(
        {
            "subject": "base",
            "hooks": {"_execute": "s_error=full", "_finalize": "bad_shape=null"},
            "calls": [["setJobParameter", ["n", 3], {"sendFlag": False}], ["generateFailoverFile", []]],
        }
    )
    job = shown(scenario=scenario)["Job"]
    assert job[0] == "  module     a small module that is derived from ModuleBase, with the clients of reference 0.1.0"
    assert job[-2:] == [
        "  hooks      _execute: s_error=full; _finalize: bad_shape=null",
        "  calls      setJobParameter('n', 3, sendFlag=False); generateFailoverFile",
    ]


# What happened


def test_without_execute_it_has_no_end() -> None:
    """Neither below the calls nor in the verdict: each of the methods has an end of its own."""
    made = call("module", "setJobParameter", "n", 3, calls=[call("JobReport", "go", answer=1)])
    scenario = Scenario(calls=(["setJobParameter", ["n", 3]],))
    told = shown(scenario=scenario, calls=[made], result=[None])
    assert told["What happened"] == ["  setJobParameter('n', 3)", "    JobReport.go()  → 1"]
    assert not any("execute" in line for line in told["Verdict"])
    assert any("execute" in line for line in shown()["Verdict"])


def test_calls_stand_inside_each_other() -> None:
    """A hook has no brackets unless it is given something; answers follow."""
    inner = call("job-state", "setJobStatusBulk", 77, answer={"OK": True, "Value": [["x"], ["y"]]}, applied=True)
    report = call(
        "JobReport", "setApplicationStatus", "fine", True, answer={"OK": True, "Value": "other"}, calls=[inner]
    )
    assert calls(call(calls=[report]), call("module", "_finalize", "status"), call("module", "finalize", answer=5)) == [
        "  _execute",
        "    JobReport.setApplicationStatus('fine', True)  → OK: 'other'",
        "      job-state.setJobStatusBulk(77)              → OK",
        "  _finalize('status')",
        "  finalize                                        → 5",
    ]


def test_targets_have_colours() -> None:
    """The module's hooks, collaborators, and services differ."""
    inner = [call("JobReport", "commit", answer=1), call("accounting", "commit", answer=2)]
    assert calls(call(calls=inner), style=Style(100, colours=True)) == [
        "  \x1b[1m_execute\x1b[0m",
        "    \x1b[36mJobReport.commit\x1b[0m()   \x1b[2m→ 1\x1b[0m",
        "    \x1b[34maccounting.commit\x1b[0m()  \x1b[2m→ 2\x1b[0m",
    ]
    failed = calls(call("accounting", "commit", answer=REFUSED), style=Style(100, colours=True))
    assert failed == ["  \x1b[34maccounting.commit\x1b[0m()  \x1b[31m✗ connection refused\x1b[0m"]


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ([], {}, "x.go_there()"),
        ([None], {}, "x.go_there(None)"),
        ([1, None], {}, "x.go_there(1, None)"),
        ([1, None, None], {}, "x.go_there(1, …)"),
        ([None, None, 1, None, None, None], {}, "x.go_there(None, None, 1, …)"),
        ([1], {"a": "b", "c": 2}, "x.go_there(1, a='b', c=2)"),
    ],
)
def test_arguments_are_shown(args: list[Any], kwargs: dict[str, Any], expected: str) -> None:
    """Those by name too; a tail of None is not worth it."""
    (line,) = calls(call("x", "go_there", *args, kwargs=kwargs, answer=1))
    assert line == f"  {expected}  → 1"


def test_the_tail_has_an_ascii_form() -> None:
    """As all signs."""
    assert calls(call("x", "go", 1, None, None, answer=1), style=Style(100, unicode=False)) == ["  x.go(1, ...)  -> 1"]


@pytest.mark.parametrize(
    ("of_call", "expected"),
    [
        ({"answer": {"OK": True}}, "→ OK"),
        ({"answer": {"OK": True, "Value": None}}, "→ OK"),
        ({"answer": {"OK": True, "Value": 0}}, "→ OK: 0"),
        ({"answer": {"OK": True, "Value": [[], []]}}, "→ OK, nothing changed"),
        ({"answer": {"OK": True, "Value": 1}, "applied": True}, "→ OK: 1"),
        ({"answer": {"OK": True, "Value": None}, "applied": False}, "✗ OK, but it was not done"),
        ({"answer": {"OK": True, "Value": 1}, "applied": False}, "✗ OK: 1, but it was not done"),
        ({"answer": {"OK": False, "Message": "no"}}, "✗ not OK: no"),
        ({"answer": {"OK": False, "Message": "no"}, "applied": False}, "✗ not OK: no"),
        ({"answer": {"OK": False, "Message": "no"}, "applied": True}, "✗ not OK: no, but it was done"),
        ({"answer": {"OK": False, "Message": {"exception": "OSError", "args": [2]}}}, "✗ not OK: OSError(2)"),
        ({"answer": {"OK": False}}, "✗ not OK: None"),
        ({"answer": REFUSED}, "✗ connection refused"),
        (
            {"answer": {"OK": False, "Message": "(Read timed out. 5"}, "applied": True},
            "✗ no answer in time, but it was done",
        ),
        ({"answer": {"OK": False, "Message": "Connection reset by peer')"}}, "✗ connection reset"),
        ({"answer": {"OK": False, "Message": "('Connection broken: x"}}, "✗ the reply ended early"),
        ({"answer": {"OK": "yes"}}, "→ {'OK': 'yes'}"),
        ({"answer": None}, "→ None"),
        ({"answer": []}, "→ []"),
        ({"raised": {"exception": "OSError", "args": ["gone"]}}, "✗ raised OSError('gone')"),
        ({"raised": {"exception": "GracefulTermination", "args": ["bye"]}}, "→ ends: GracefulTermination('bye')"),
    ],
)
def test_answers_are_shown(of_call: dict[str, Any], expected: str) -> None:
    """A success, a failure, what is neither, and whether the service tells the truth."""
    assert answer(**of_call) == expected


@pytest.mark.parametrize("method", ["setJobStatus", "setJobStatusBulk", "setJobApplicationStatus"])
def test_an_echo_is_not_repeated(method: str) -> None:
    """These methods answer with what they were given, unless nothing changed."""
    said = [call("x", method, answer={"OK": True, "Value": value}) for value in ([["a"], ["b"]], [[], []], None)]
    assert [line.partition("()")[2] for line in calls(*said)] == ["  → OK", "  → OK, nothing changed", "  → OK"]


FULL = {"OK": False, "Errno": 0, "Message": "full"}


def test_what_a_hook_returned_is_ignored() -> None:
    """It is said beside the hook, not as a failure, and also inside a job; the last line is the result."""
    hook = call("module", "_execute", answer=FULL)
    assert calls(hook) == ["  _execute  → returned not OK: full, which is ignored"]
    (_, line) = calls(call("Mine", "execute", answer={"OK": True, "Value": None}, calls=[hook]))
    assert line.split() == ["_execute", "→", "returned", "not", "OK:", "full,", "which", "is", "ignored"]


def test_what_a_hook_returned_counts_where_the_module_says_so() -> None:
    """Where ``execute`` returns it itself, another hook gets it, it is OK, or the method is no hook."""
    (line,) = shown(calls=[call("module", "_execute", answer=FULL)], result=FULL)["What happened"][:-1]
    assert line == "  _execute  ✗ not OK: full"
    outer = call("module", "_execute", calls=[call("module", "_executeCommand", answer=FULL)])
    assert calls(outer) == ["  _execute", "    _executeCommand  ✗ not OK: full"]
    assert calls(call("module", "_execute", answer={"OK": True, "Value": 3})) == ["  _execute  → OK: 3"]
    assert calls(call("module", "generateFailoverFile", answer=FULL)) == ["  generateFailoverFile  ✗ not OK: full"]


def test_what_is_said_below_is_not_said_twice() -> None:
    """Neither an answer that is handed on, nor a reason."""
    value = {"OK": True, "Value": 5}
    good = call("JobReport", "go", answer=value, calls=[call("x", "go", answer=value)])
    raised = {**call("x", "go"), "raised": {"exception": "E", "args": []}}
    del raised["answer"]
    bad = call(
        "JobReport", "go", answer=REFUSED, calls=[raised, call("x", "go", answer=5), call("x", "go", answer=REFUSED)]
    )
    assert calls(good, bad) == [
        "  JobReport.go()  → OK",
        "    x.go()        → OK: 5",
        "  JobReport.go()  ✗ not OK:",
        "    x.go()        ✗ raised E()",
        "    x.go()        → 5",
        "    x.go()        ✗ connection refused",
    ]
    other = call("JobReport", "go", answer={"OK": False, "Message": "b"}, calls=[call("x", "go", answer=REFUSED)])
    assert calls(other)[0] == "  JobReport.go()  ✗ not OK: b"


@pytest.mark.parametrize(
    ("ended", "result", "expected"),
    [
        ("returned", {"OK": True, "Value": {"exception": "G", "args": ["bye"]}}, "→ OK: G('bye')"),
        ("returned", {"OK": True}, "→ OK: None"),
        ("returned", {"OK": False, "Message": {"exception": "E", "args": []}}, "✗ not OK: E()"),
        ("returned", {"OK": False}, "✗ not OK: None"),
        ("returned", None, "✗ returns None, which is no result"),
        ("raised", {"exception": "E", "args": []}, "✗ E() escapes"),
    ],
)
def test_the_last_line_is_the_result(ended: str, result: Any, expected: str) -> None:
    """What execute() returned, or what escaped."""
    assert shown(ended=ended, result=result)["What happened"] == [f"  execute  {expected}"]


def test_the_result_has_colours() -> None:
    """Green and red."""
    style = Style(100, colours=True)
    assert shown(style)["What happened"] == ["  \x1b[1mexecute\x1b[0m  \x1b[32m→ OK: None\x1b[0m"]
    assert shown(style, result=None)["What happened"] == [
        "  \x1b[1mexecute\x1b[0m  \x1b[31m✗ returns None, which is no result\x1b[0m"
    ]


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        ("it's", '"it\'s"'),
        ("x" * 158, f"'{'x' * 158}'"),
        ("x" * 160, f"'{'x' * 104} ... {'x' * 49}'"),
        ([1, "a"], "[1, 'a']"),
        ([1, 2, 3, 4, 5, 6], "[1, 2, 3, 4, 5, 6]"),
        ([1, 2, 3, 4, 5, 6, 7, 8], "[1, 2, 3, 4, 5, 6, 2 more]"),
        ({"a": [1], "100": 2, "<T1>": 3}, "{'a': [1], 100: 2, <T1>: 3}"),
        (dict.fromkeys("abcdefg", 1), "{'a': 1, 'b': 1, 'c': 1, 'd': 1, 'e': 1, 'f': 1, 1 more}"),
        ({"exception": "OSError", "args": [2, "x"]}, "OSError(2, 'x')"),
        ({"Type": "X", "Arguments": None, "Status": "Done"}, "operation X"),
        ({"exception": "x"}, "{'exception': 'x'}"),
        ({"args": []}, "{'args': []}"),
        ({"Type": "x"}, "{'Type': 'x'}"),
        ({"Arguments": "x"}, "{'Arguments': 'x'}"),
        ({"LFN": "/a", "FileID": 1}, "{'LFN': '/a', 'FileID': 1}"),
        ({"LFN": "/a", "Status": "x"}, "{'LFN': '/a', 'Status': 'x'}"),
        ({"FileID": 1, "Status": "x"}, "{'FileID': 1, 'Status': 'x'}"),
        ({"RequestName": "x"}, "{'RequestName': 'x'}"),
        ({"Operations": []}, "{'Operations': []}"),
        ({"LFN": "/a", "FileID": 100, "Status": "Unused", "ErrorCount": 0}, "/a (100) Unused"),
        ('{"RequestName": "r", "Operations": [1]}', "r of 1 operation"),
        ('{"OK": true, "Value": [1]}', "[1]"),
        ('{"OK": true}', "None"),
        ('{"OK": false, "Message": "no"}', "not OK: no"),
        ('{"OK": 1}', "{'OK': 1}"),
        ('{"a', "'{\"a'"),
        ("[1]", "'[1]'"),
        ('{"a": null}', "{'a': None}"),
    ],
)
def test_values_are_shown_for_people(value: Any, expected: str) -> None:
    """Long ones shortened, known ones named, and JSON inside a text as what it says."""
    assert show(value) == expected


def test_a_table_leaves_out_what_says_nothing() -> None:
    """Labels are as wide as the widest; of several texts only the first has it, and long ones hang below themselves."""
    page = Page(Style(40, colours=True))
    page.section("T", table({"a": "one", "long": ["two " * 10, "three"], "none": "", "no": []}, 0))
    assert page.text().splitlines()[1:] == [
        "\x1b[2ma   \x1b[0m  one",
        "\x1b[2mlong\x1b[0m  two two two two two two two two",
        "      two two",
        "\x1b[2m    \x1b[0m  three",
    ]
    assert list(table({})) == []


# Services and requests


def test_services_are_shown() -> None:
    """Statuses of the job with its parameters, files by status, records, requests."""
    job = {**SERVICES["jobs"]["77"], "parameters": {"Events": 5, "Site": "here"}}
    file = {"Status": "Unused", "ErrorCount": 2}
    many = {f"/f{number}": {"Status": "Processed", "ErrorCount": 0} for number in range(7)}
    requests = [
        {"id": 1, "name": "r", "status": "Done", "operations": [operation(Files=["/x"]), operation()]},
        {"id": 2, "name": "s", "status": "Waiting", "operations": [operation()]},
    ]
    services = {"jobs": {"77": job, "78": job}, "files": many | {"/z": file}, "accounting": [[]], "requests": requests}
    assert shown(services=services)["What the services hold"] == [
        "  job         77: Running, m, 'a', Events = 5, Site = 'here'",
        "              78: Running, m, 'a', Events = 5, Site = 'here'",
        "  files       /f0, /f1, /f2, /f3, /f4, /f5 and 1 more: Processed",
        "              /z: Unused (error count 2)",
        "  accounting  1 record",
        "  requests    1: r, Done: operation X (/x), operation X",
        "              2: s, Waiting: operation X",
    ]


def test_empty_services_are_shown() -> None:
    """Nothing is none."""
    services = {**SERVICES, "files": {}}
    assert shown(services=services)["What the services hold"][1:] == [
        "  files       none",
        "  accounting  0 records",
        "  requests    none",
    ]


REQUEST = {"RequestName": "job_77_request.xml", "Owner": "alice", "OwnerGroup": "vo_user"}


def test_a_request_is_shown_with_its_operations_and_files() -> None:
    """Arguments decoded, or as they are; what is not set is not mentioned."""
    arguments = dencode.encode({"a": 1}).decode()
    operations = [
        operation(Arguments=arguments, decoded={"transformation": 12, "statusDict": {"/a": "Unused"}}),
        operation(Type="Call", Status="Queued", Arguments="x", decoded=STUB),
        operation(Arguments="x" * 200),
        operation(TargetSE="SE", SourceSE="S", Catalog="C", Error="no", Files=[f"/{n}" for n in range(7)]),
        operation(),
    ]
    files = {"12_34_request.json": "x" * 20, "other": "x", "link": "<link>"}
    assert shown(request={**REQUEST, "Operations": operations}, files=files)["The request"] == [
        "  job_77_request.xml of alice, vo_user",
        "    1. X, Waiting",
        "      transformation  12",
        "      statusDict      {'/a': 'Unused'}",
        "    2. Call, Queued",
        "      call  A/B.method(1, 'x')",
        "    3. X, Waiting",
        f"      arguments  '{'x' * 82}",
        f"                 {'x' * 22} ... {'x' * 49}'",
        "    4. X, Waiting",
        "      SourceSE  S",
        "      TargetSE  SE",
        "      Catalog   C",
        "      Error     no",
        "      files     /0, /1, /2, /3, /4, /5 and 1 more",
        "    5. X, Waiting",
        "  file 12_34_request.json  → 20 characters",
        "  file other               → 1 character",
        "  file link                → <link>",
    ]


def test_operations_have_colours() -> None:
    """Their numbers and types stand out."""
    lines = shown(Style(100, colours=True), request={**REQUEST, "Operations": [operation()]})["The request"]
    assert lines[1:] == ["    \x1b[1m1. X\x1b[0m, Waiting", "  \x1b[31m✗ It is in no file.\x1b[0m"]


@pytest.mark.parametrize("request_", [None, {**REQUEST, "Operations": []}])
def test_nothing_pending_is_said(request_: Any) -> None:
    """Without a request, and without operations."""
    assert shown(request=request_)["The request"] == ["  Nothing is pending: it has no operations."]


def test_a_request_without_file_is_noticed() -> None:
    """Unless a file has the right name."""
    request = {**REQUEST, "Operations": [operation()]}
    assert shown(request=request)["The request"][-1] == "  ✗ It is in no file."
    assert (
        shown(request=request, files={"x_request.json": ""})["The request"][-1]
        == "  file x_request.json  → 0 characters"
    )
    assert shown(request=request, files={"x": ""})["The request"][-2:] == [
        "  ✗ It is in no file.",
        "  file x  → 0 characters",
    ]


# After recovery


def test_a_recovery_without_anything_to_do() -> None:
    """Then the services stand at once."""
    assert shown()["After recovery"] == [
        "  The job wrapper finds nothing to hand over.",
        "  The services hold now:",
        "    job         77: Running, m, 'a'",
        "    files       /a: Processed",
        "    accounting  0 records",
        "    requests    none",
    ]


def test_a_recovery_is_told() -> None:
    """What was handed over, what was executed with which calls, what is lost and what arrived twice."""
    handed = {"files": ["a_request.json", "b_request.json"], "operations": 3, "request_id": 1, "error": None}
    operations = [
        {**operation(Files=["/x"]), "elsewhere": True},
        {**operation(Error="no"), "elsewhere": False},
        {**operation(Error=""), "elsewhere": False},
    ]
    made = [call("accounting", "go", answer={"OK": True, "Value": None})]
    requests = [
        {"id": 1, "name": "first", "status": "Waiting", "operations": operations, "calls": made},
        {"id": 2, "name": "second", "status": "Done", "operations": [], "calls": []},
    ]
    recovery = {
        **RECOVERY,
        "handed_over": handed,
        "requests": requests,
        "converged": False,
        "twice": ["one", "two"],
        "lost": ["three"],
    }
    lines = shown(recovery=recovery)["After recovery"]
    assert lines[:7] == [
        "  The job wrapper hands over a_request.json, b_request.json  → request 1",
        "  Request 1 is executed: first                               ✗ Waiting",
        "    operation X (/x)                                         → nothing here executes it",
        "    operation X                                              ✗ not OK: no",
        "    accounting.go()                                          → OK",
        "  Request 2 is executed: second                              → Done",
        "  The services hold now:",
    ]
    assert lines[10:] == ["    requests    none"]
    assert shown(recovery=recovery)["Verdict"] == [
        "  ✗ Not converged: 1 lost item, 2 duplicates.",
        "    - lost: three",
        "    - twice: one",
        "    - twice: two",
        "  execute   → OK: None",
        "  request   nothing is pending",
        "  replayed  first Waiting, second Done",
    ]


def test_what_is_not_taken_is_told() -> None:
    """With the reason."""
    handed = {"files": ["a_request.json"], "operations": 0, "request_id": None, "error": "breaks down"}
    lines = shown(recovery={**RECOVERY, "handed_over": handed})["After recovery"]
    assert lines[0] == "  The job wrapper hands over a_request.json  ✗ breaks down"


# Verdict


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "✓ Converged: nothing is lost, and the services hold what they must."),
        ({"recovery": None}, "→ Not judged: nothing was replayed."),
        (
            {"recovery": None, "services": None},
            "→ Not judged: every collaborator is scripted, so no service is there.",
        ),
        ({"unfired": ["job-state:down"]}, "→ Converged, but not put to the test: job-state:down never struck."),
        ({"recovery": {**RECOVERY, "lost": ["x"]}}, "✗ Not converged: 1 lost item."),
        ({"recovery": {**RECOVERY, "unchecked": ["x"]}}, "→ Not converged: 1 unchecked item."),
        ({"recovery": {**RECOVERY, "waiting": ["x", "y"]}}, "✗ Not converged: 2 waiting items."),
        (
            {"recovery": {**RECOVERY, "unchecked": ["x"], "lost": ["y"]}, "unfired": ["job-state:down"]},
            "✗ Not converged: 1 lost item, 1 unchecked item.",
        ),
    ],
)
def test_a_run_has_one_verdict(changes: dict[str, Any], expected: str) -> None:
    """It is the first line, and nothing else has a tick: a loss is never shown below one."""
    lines = shown(Style(200), **changes)
    assert lines["Verdict"][0] == f"  {expected}"
    assert sum(line.count("✓") for section in lines.values() for line in section) == expected.count("✓")


def test_the_verdict_says_how_the_run_ended() -> None:
    """The result of execute(), and the pending operations with their file."""
    request = {"RequestName": "r", "Owner": "o", "OwnerGroup": "g", "Operations": [operation(), operation(Type="Y")]}
    assert shown(request=request, ended="raised", result={"exception": "E", "args": []})["Verdict"][1:] == [
        "  execute  ✗ E() escapes",
        "  request  X, Y in no file",
    ]
    lines = shown(request=request, files={"x": "", "a_request.json": ""})["Verdict"]
    assert lines[2] == "  request  X, Y in a_request.json"


def test_verdicts_have_colours_and_hang() -> None:
    """A converged run is green, one that is not is red, and one that is not judged is bold."""
    style = Style(40, colours=True)
    assert shown(style)["Verdict"][:2] == [
        "  \x1b[32m✓ Converged: nothing is lost, and the\x1b[0m",
        "    services hold what they must.",
    ]
    bad = {**RECOVERY, "converged": False, "twice": ["xxxx " * 6 + "yyyy"]}
    assert shown(style, recovery=bad)["Verdict"][:3] == [
        "  \x1b[31m✗ Not converged: 1 duplicate.\x1b[0m",
        "    - twice: xxxx xxxx xxxx xxxx xxxx",
        "      xxxx yyyy",
    ]
    assert shown(style, recovery=None)["Verdict"][0] == "  \x1b[1m→ Not judged: nothing was replayed.\x1b[0m"
