"""The timeline: the values in it, by tables, and one report of everything as a snapshot."""

import re
from dataclasses import replace

import pytest

from dirac_failover.actors.report import ExecutedRequest, HandedOver, ServiceState, StoredRequest
from dirac_failover.reports.terminal import Style, section
from dirac_failover.reports.timeline import render, table
from dirac_failover.reports.trace import show
from dirac_failover.spec.scenario import Scenario
from tests.reports.made import FINE, JOB, RECOVERY, REFUSED, SERVICES, call, operation, report

STUB = [["A/B", {}], "method", [1, "x"]]
FULL = {"OK": False, "Errno": 0, "Message": "full"}
REQUEST = {"RequestName": "job_77_request.xml", "Owner": "alice", "OwnerGroup": "vo_user"}


def rendered(style, **changes):
    """A report with these changes, as text."""
    return render(report(**changes), style)


def shown(style=Style(100), **changes):  # noqa: B008
    """The lines of each section, without their indentation and with two spaces between columns."""
    found = {}
    for line in rendered(style, **changes).splitlines():
        if line.startswith(style.sign("rule") * 2):
            found[line.strip("─- ")] = here = []
        elif line:
            here.append(re.sub(" {2,}", "  ", line.strip()))
    return found


def calls(*made, **changes):
    """The lines of these calls."""
    return shown(calls=made, **changes)["What happened"][:-1]


def test_a_report_begins_with_the_verdict():
    """The situation and all details follow, the last section only when there were services."""
    sections = ["Verdict", "Job", "What happened", "What the services hold", "The request", "After recovery"]
    assert list(shown()) == sections
    assert list(shown(recovery=None)) == sections[:-1]
    assert "no services here" in shown(services=None)["What the services hold"][0]


def test_calls_that_are_alike_are_counted_and_so_are_input_files():
    """Six are shown; a call with another answer is no such call, and a style that shows all has all of them."""
    made = [call("FileReport", "setFileStatus", number, answer=FINE) for number in range(20)]
    made[10] = call("FileReport", "setFileStatus", 10, answer=REFUSED)
    inputs = [f"/{number}" for number in range(20)]
    found = shown(calls=made, scenario=Scenario.of_job(inputs=inputs))
    assert [line for line in found["What happened"] if "more calls" in line] == [
        f"… {left} more calls of FileReport.setFileStatus: -v shows all" for left in (4, 3)
    ]
    assert sum("setFileStatus(" in line for line in found["What happened"]) == 6 + 1 + 6
    assert "inputs  /0, /1, /2, /3, /4, /5 and 14 more" in found["Job"]
    every = shown(Style(200, verbose=True), calls=made, scenario=Scenario.of_job(inputs=inputs))
    assert sum("setFileStatus(" in line for line in every["What happened"]) == 20
    assert f"inputs  {', '.join(inputs)}" in every["Job"]


CHANGED = {"OK": True, "Value": [["x"], ["y"]]}
EVERYTHING = {
    "scenario": Scenario.of_job(
        name="not told", inputs=["/a", "/b"], job_id=None, workflow_failed=True, step_failed=True,
        reported={"/a": "Problematic", "/b": "Unused"}, records=1, owner=None,
        operations=[{"Type": "RemoveFile", "Files": ["/x"]}, {"Type": "Other"}],
        faults=["transformation:down", "accounting:down"],
    ),
    "unfired": ("accounting:down",),
    "calls": (
        call(calls=(
            call("JobReport", "setApplicationStatus", "fine", True, answer={"OK": True, "Value": "other"}, calls=(
                call("job-state", "setJobStatusBulk", 77, answer=CHANGED, applied=True),)),
            call("FileReport", "commit", answer=REFUSED, calls=(
                call("transformation", "getTransformationFiles", "x" * 60, "y" * 60, None, None, answer=REFUSED),)),
        )),
        call("module", "_finalize", "status"),
        call("module", "finalize", answer=5),
    ),
    "services": ServiceState(
        {"77": {**JOB, "parameters": {"Events": 5, "Site": "here"}}, "78": JOB},
        {
            **{f"/f{number}": {"Status": "Processed", "ErrorCount": 0} for number in range(7)},
            "/z": {"Status": "Unused", "ErrorCount": 2},
        },
        [[]],
        (StoredRequest(1, "r", "Done", (operation(Files=["/x"]), operation())),
         StoredRequest(2, "s", "Waiting", (operation(),))),
    ),
    "request": {**REQUEST, "Operations": [
        operation(Arguments="x", decoded={"transformation": 12, "statusDict": {"/a": "Unused"}}),
        operation(Type="Call", Status="Queued", Arguments="x", decoded=STUB),
        operation(Arguments="x" * 200),
        operation(TargetSE="SE", SourceSE="S", Catalog="C", Error="no", Files=[f"/{n}" for n in range(7)]),
    ]},
    "files": {"12_34_request.json": "x" * 20, "other": "x", "link": "<link>"},
    "recovery": replace(
        RECOVERY,
        handed_over=HandedOver(["a_request.json", "b_request.json"], 3, 1),
        requests=(
            ExecutedRequest(1, "first", "Waiting", (
                {**operation(Files=["/x"]), "elsewhere": True}, {**operation(Error="no"), "elsewhere": False},
                {**operation(Error=""), "elsewhere": False},
            ), (call("accounting", "go", answer=FINE),)),
            ExecutedRequest(2, "second", "Done", (), ()),
        ),
        converged=False, twice=["one", "two"], lost=["three"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("style", [Style(100), Style(80, colours=True), Style(60, unicode=False)], ids=repr)
def test_everything_is_laid_out(snapshot, style):
    """In columns, by colours, and in ASCII."""
    snapshot(rendered(style, **EVERYTHING))


@pytest.mark.parametrize("name", ["<T1>", "<time>", "<name>"])
def test_names_that_stand_for_times_are_explained_where_they_appear(name):
    """In one line below the calls, for names in a call and in its answer; a page without them does not have it."""
    for made in (call("Request", "go", name), call("Request", "go", answer={"OK": True, "Value": name})):
        assert "stand for times" in shown(calls=(made,))["What happened"][-1]
    assert "stand for times" not in shown()["What happened"][-1]


# Job


def test_a_plain_job_is_told_in_six_lines():
    """Module, ID, inputs, what happened before, proxy and faults; always. A failure is told alone."""
    assert shown()["Job"] == [
        "module  package.module:Class, with the clients of reference 0.1.0", "job  77", "inputs  none",
        "until now  all went well", "proxy  alice, vo_user", "faults  none",
    ]  # fmt: skip
    assert "until now  step failed" in shown(scenario=Scenario.of_job(step_failed=True))["Job"]
    odd = Scenario(attributes={"workflowStatus": {}, "stepStatus": None})
    assert "until now  all went well" in shown(scenario=odd)["Job"]


def test_what_only_a_file_can_say_is_told_too():
    """Fields without words of their own; of others, the part that is not said already."""
    scenario = Scenario(
        environment={"JOBID": "77", "SITE": "here"},
        workflow_commons={"PRODUCTION_ID": "1", "JOB_ID": "2", "InputData": None, "JobType": "User"},
        attributes={"STEP_NUMBER": "2", "workflowStatus": {"OK": True}, "stepStatus": {"OK": True}, "jobID": 5},
        step_commons={},
        unsent_statuses=("said",),
        executions=2,
        server_files={"/a": "Unused"},
        collaborators={"JobReport": "scripted", "Request": "live", "FileReport": "scripted"},
        answers={"FileReport.commit": ("s_error", "ok"), "FileReport.getFiles": ("ok={}",)},
    )
    assert shown(scenario=scenario)["Job"][6:] == [
        "environment  {'SITE': 'here'}",
        "attributes  {'jobID': 5}",
        "workflow commons  {'JobType': 'User'}",
        "collaborators  scripted: JobReport, FileReport; live: Request",
        "answers  FileReport.commit: s_error, ok; FileReport.getFiles: ok={}",
        "unsent statuses  ['said']",
        "executions  2",
    ]


def test_a_module_that_a_scenario_makes_is_described():
    """Whose class it is, which hooks it replaces, and the methods that are called instead of execute."""
    scenario = Scenario(
        subject="base",
        hooks={"_execute": "s_error=full", "_finalize": "bad_shape=null"},
        calls=(("setJobParameter", ["n", 3], {"sendFlag": False}), ("generateFailoverFile", [])),
    )
    job = shown(scenario=scenario)["Job"]
    assert job[0].startswith("module  a small module that is derived from ModuleBase")
    assert job[-2:] == [
        "hooks  _execute: s_error=full; _finalize: bad_shape=null",
        "calls  setJobParameter('n', 3, sendFlag=False); generateFailoverFile",
    ]


# What happened


def test_without_execute_it_has_no_end():
    """Neither below the calls nor in the verdict: each of the methods has an end of its own."""
    told = shown(scenario=Scenario(calls=(("finalize", []),)), calls=(call("module", "finalize"),), result=[None])
    assert told["What happened"] == ["finalize"]
    assert not any("execute" in line for line in told["Verdict"])
    assert any("execute" in line for line in shown()["Verdict"])


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ([], {}, "()"),
        ([None], {}, "(None)"),
        ([1, None], {}, "(1, None)"),
        ([1, None, None], {}, "(1, …)"),
        ([None, None, 1, None, None, None], {}, "(None, None, 1, …)"),
        ([1], {"a": "b", "c": 2}, "(1, a='b', c=2)"),
    ],
)
def test_arguments_are_shown(args, kwargs, expected):
    """Those by name too; a tail of None is not worth it."""
    assert calls(call("x", "go_there", *args, kwargs=kwargs, answer=1)) == [f"x.go_there{expected}  → 1"]


@pytest.mark.parametrize(
    ("of_call", "expected"),
    [
        ({"answer": {"OK": True}}, "→ OK"),
        ({"answer": FINE}, "→ OK"),
        ({"answer": {"OK": True, "Value": 0}}, "→ OK: 0"),
        ({"answer": {"OK": True, "Value": [[], []]}}, "→ OK, nothing changed"),
        ({"answer": {"OK": True, "Value": 1}, "applied": True}, "→ OK: 1"),
        ({"answer": FINE, "applied": False}, "✗ OK, but it was not done"),
        ({"answer": {"OK": True, "Value": 1}, "applied": False}, "✗ OK: 1, but it was not done"),
        ({"answer": FULL}, "✗ not OK: full"),
        ({"answer": FULL, "applied": False}, "✗ not OK: full"),
        ({"answer": FULL, "applied": True}, "✗ not OK: full, but it was done"),
        ({"answer": {"OK": False, "Message": {"exception": "OSError", "args": [2]}}}, "✗ not OK: OSError(2)"),
        ({"answer": {"OK": False}}, "✗ not OK: None"),
        ({"answer": REFUSED}, "✗ connection refused"),
        ({"answer": {"OK": False, "Message": "(Read timed out. 5"}, "applied": True},
         "✗ no answer in time, but it was done"),
        ({"answer": {"OK": False, "Message": "Connection reset by peer')"}}, "✗ connection reset"),
        ({"answer": {"OK": False, "Message": "('Connection broken: x"}}, "✗ the reply ended early"),
        ({"answer": {"OK": "yes"}}, "→ {'OK': 'yes'}"),
        ({"answer": None}, "→ None"),
        ({"answer": []}, "→ []"),
        ({"raised": ("OSError", "gone")}, "✗ raised OSError('gone')"),
        ({"raised": ("GracefulTermination", "bye")}, "→ ends: GracefulTermination('bye')"),
    ],
)  # fmt: skip
def test_answers_are_shown(of_call, expected):
    """A success, a failure, what is neither, and whether the service tells the truth."""
    assert calls(call("transformation", "go", **of_call)) == [f"transformation.go()  {expected}"]


@pytest.mark.parametrize("method", ["setJobStatus", "setJobStatusBulk", "setJobApplicationStatus"])
def test_an_echo_is_not_repeated(method):
    """These methods answer with what they were given, unless nothing changed."""
    said = [call("x", method, answer={"OK": True, "Value": value}) for value in ([["a"], ["b"]], [[], []], None)]
    assert [line.partition("()")[2] for line in calls(*said)] == ["  → OK", "  → OK, nothing changed", "  → OK"]


def test_what_a_hook_returned_is_ignored():
    """It is said beside the hook, not as a failure, and also inside a job."""
    hook = call("module", "_execute", answer=FULL)
    assert calls(hook) == ["_execute  → returned not OK: full, which is ignored"]
    assert calls(call("module", "Mine.execute", answer=FINE, calls=(hook,)))[1].endswith("which is ignored")


def test_what_a_hook_returned_counts_where_the_module_says_so():
    """Where ``execute`` returns it itself, another hook gets it, it is OK, or the method is no hook."""
    assert calls(call(answer=FULL), result=FULL) == ["_execute  ✗ not OK: full"]
    outer = call("module", "_execute", calls=(call("module", "_executeCommand", answer=FULL),))
    assert calls(outer) == ["_execute", "_executeCommand  ✗ not OK: full"]
    assert calls(call(answer={"OK": True, "Value": 3})) == ["_execute  → OK: 3"]
    assert calls(call("module", "generateFailoverFile", answer=FULL)) == ["generateFailoverFile  ✗ not OK: full"]


def test_what_is_said_below_is_not_said_twice():
    """Neither an answer that is handed on, nor a reason."""
    value = {"OK": True, "Value": 5}
    inner = (call("x", "go", raised=("E",)), call("x", "go", answer=5), call("x", "go", answer=REFUSED))
    assert calls(
        call("JobReport", "go", answer=value, calls=(call("x", "go", answer=value),)),
        call("JobReport", "go", answer=REFUSED, calls=inner),
        call("JobReport", "go", answer={"OK": False, "Message": "b"}, calls=(call("x", "go", answer=REFUSED),)),
    ) == [
        "JobReport.go()  → OK", "x.go()  → OK: 5",
        "JobReport.go()  ✗ not OK:", "x.go()  ✗ raised E()", "x.go()  → 5", "x.go()  ✗ connection refused",
        "JobReport.go()  ✗ not OK: b", "x.go()  ✗ connection refused",
    ]  # fmt: skip


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
def test_the_last_line_is_the_result(ended, result, expected):
    """What execute() returned, or what escaped."""
    assert shown(ended=ended, result=result)["What happened"] == [f"execute  {expected}"]


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        ("it's", '"it\'s"'),
        ("x" * 160, f"'{'x' * 104} ... {'x' * 49}'"),
        ([1, 2, 3, 4, 5, 6], "[1, 2, 3, 4, 5, 6]"),
        ([1, 2, 3, 4, 5, 6, 7, "a"], "[1, 2, 3, 4, 5, 6, 2 more]"),
        ({"a": [1], "100": 2, "<T1>": 3}, "{'a': [1], 100: 2, <T1>: 3}"),
        (dict.fromkeys("abcdefg", 1), "{'a': 1, 'b': 1, 'c': 1, 'd': 1, 'e': 1, 'f': 1, 1 more}"),
        ({"exception": "OSError", "args": [2, "x"]}, "OSError(2, 'x')"),
        ({"Type": "X", "Arguments": None, "Status": "Done"}, "operation X"),
        ({"exception": "x"}, "{'exception': 'x'}"),
        ({"Type": "x"}, "{'Type': 'x'}"),
        ({"LFN": "/a", "FileID": 1}, "{'LFN': '/a', 'FileID': 1}"),
        ({"RequestName": "x"}, "{'RequestName': 'x'}"),
        ({"LFN": "/a", "FileID": 100, "Status": "Unused", "ErrorCount": 0}, "/a (100) Unused"),
        ('{"RequestName": "r", "Operations": [1]}', "r of 1 operation"),
        ('{"OK": true, "Value": [1]}', "[1]"),
        ('{"OK": false, "Message": "no"}', "not OK: no"),
        ('{"OK": 1}', "{'OK': 1}"),
        ('{"a', "'{\"a'"),
        ("[1]", "'[1]'"),
    ],
)
def test_values_are_shown_for_people(value, expected):
    """Long ones shortened, known ones named, and JSON inside a text as what it says."""
    assert show(value) == expected


def test_a_table_leaves_out_what_says_nothing():
    """Labels are as wide as the widest; of several texts only the first has it, and long ones hang below themselves."""
    told = table({"a": "one", "long": ["two " * 10, "three"], "none": "", "no": []}, 0)
    assert section(Style(40), "T", told).splitlines()[1:] == [
        "a     one", "long  two two two two two two two two", "      two two", "      three",
    ]  # fmt: skip
    assert list(table({})) == []


# Services, requests, recovery


def test_what_is_empty_is_said():
    """No files and no requests in the services, no operations in the request, nothing to hand over."""
    told = shown(services=replace(SERVICES, files={}))
    assert told["What the services hold"][1:] == ["files  none", "accounting  0 records", "requests  none"]
    assert told["The request"] == ["Nothing is pending: it has no operations."]
    assert shown(request={**REQUEST, "Operations": []})["The request"] == told["The request"]
    assert told["After recovery"][0] == "The job wrapper finds nothing to hand over."


def test_a_request_without_file_is_noticed():
    """Unless a file has the right name."""
    request = {**REQUEST, "Operations": [operation()]}
    lost = "✗ It is in no file."
    assert shown(request=request)["The request"][-1] == lost
    assert lost not in shown(request=request, files={"x_request.json": ""})["The request"]
    assert shown(request=request, files={"x": ""})["The request"][-2:] == [lost, "file x  → 0 characters"]


def test_what_is_not_taken_is_told():
    """With the reason."""
    handed = HandedOver(["a_request.json"], error="breaks down")
    lines = shown(recovery=replace(RECOVERY, handed_over=handed))["After recovery"]
    assert lines[0] == "The job wrapper hands over a_request.json  ✗ breaks down"


# Verdict


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "✓ Converged: nothing is lost, and the services hold what they must."),
        ({"recovery": None}, "→ Not judged: nothing was replayed."),
        ({"recovery": None, "services": None}, "→ Not judged: every collaborator is scripted, so no service is there."),
        ({"unfired": ("job-state:down",)}, "→ Converged, but not put to the test: job-state:down never struck."),
        ({"recovery": replace(RECOVERY, lost=["x"])}, "✗ Not converged: 1 lost item."),
        ({"recovery": replace(RECOVERY, unchecked=["x"])}, "→ Not converged: 1 unchecked item."),
        ({"recovery": replace(RECOVERY, waiting=["x", "y"])}, "✗ Not converged: 2 waiting items."),
        ({"recovery": replace(RECOVERY, unchecked=["x"], lost=["y"]), "unfired": ("job-state:down",)},
         "✗ Not converged: 1 lost item, 1 unchecked item."),
    ],
)  # fmt: skip
def test_a_run_has_one_verdict(changes, expected):
    """It is the first line, and nothing else has a tick: a loss is never shown below one."""
    lines = shown(Style(200), **changes)
    assert lines["Verdict"][0] == expected
    assert sum(line.count("✓") for section in lines.values() for line in section) == expected.count("✓")


def test_the_verdict_says_how_the_run_ended():
    """The result of execute(), and the pending operations with their file."""
    request = {**REQUEST, "Operations": [operation(), operation(Type="Y")]}
    lines = shown(request=request, ended="raised", result={"exception": "E", "args": []})["Verdict"]
    assert lines[1:] == ["execute  ✗ E() escapes", "request  X, Y in no file"]
    lines = shown(request=request, files={"x": "", "a_request.json": ""})["Verdict"]
    assert lines[2] == "request  X, Y in a_request.json"


def test_the_verdict_has_a_colour():
    """A converged run is green, one that is not is red, and one that is not judged is bold."""
    style = Style(100, colours=True)
    lost = replace(RECOVERY, lost=["x"])
    for recovery, start in ((RECOVERY, "\x1b[32m✓"), (lost, "\x1b[31m✗"), (None, "\x1b[1m→")):
        assert rendered(style, recovery=recovery).splitlines()[1].strip().startswith(start)
