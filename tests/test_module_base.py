"""ModuleBase: what a workflow may expect of a module, and a module of its base, on each implementation."""

import builtins

import pytest

from tests.doubles import FAILED, WELL, Spy

HOOKS = ["_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize"]
COLLABORATORS = ("fileReport", "jobReport", "request")


def values(module, *names):
    return tuple(getattr(module, name) for name in names)


def set_up(module, **attributes):
    """Give a module what the workflow gives, and ``attributes``."""
    module.STEP_NUMBER = "3"
    module.workflow_commons = {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"}
    module.workflowStatus, module.stepStatus = WELL, WELL
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """Each test has an empty directory, and the job 77."""
    monkeypatch.setenv("JOBID", "77")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make(implementation):
    """Make a module whose hooks are recorded; ``raises`` says in which hook it ends and how."""

    def make(*, raises=None, returns=None, **attributes):
        calls = []

        def hook(name):
            def called(_, *args):
                calls.append((name, *args))
                if raises and name in raises:
                    raise raises[name]
                return returns

            return called

        module = type("Mine", (implementation.ModuleBase,), {name: hook(name) for name in [*HOOKS, "finalize"]})(Spy())
        set_up(module, **attributes)
        module.jobReport = Spy(calls)
        module.calls = calls
        return module

    return make


@pytest.fixture
def base(implementation):
    """A plain module that has a job report and is in the job 77."""
    return set_up(implementation.ModuleBase(Spy()), jobID=77, jobReport=Spy())


# Attributes


def test_a_new_module_has_its_attributes_which_it_shares_with_no_other(implementation):
    expected = {
        "production_id": 0, "prod_job_id": 0, "jobID": 0, "step_number": 0, "step_id": 0,
        "jobType": "", "executable": "", "command": None,
        "workflowStatus": {}, "stepStatus": {}, "workflow_commons": {}, "step_commons": {},
        "applicationName": "", "applicationVersion": "", "applicationLog": "applicationLog.txt", "stepName": "",
        "inputDataType": "", "outputDataFileMask": [], "stepInputData": [], "appSteps": [], "inputDataList": [],
        "InputData": [], "fileReport": None, "jobReport": None, "request": None,
    }  # fmt: skip
    found, other = vars(implementation.ModuleBase()), vars(implementation.ModuleBase())
    assert {name: value for name, value in found.items() if name not in {"log", "opsH", "dm"}} == expected
    assert [type(found[name]) for name in expected] == [type(value) for value in expected.values()]
    assert {"log", "opsH", "dm"} < set(found)
    assert not any(found[name] is other[name] for name in found if isinstance(found[name], list | dict))


def test_a_module_logs_as_it_is_told_or_under_the_name_of_its_class(implementation, reference):
    log = Spy()
    assert implementation.ModuleBase(log).log is log
    assert implementation.ModuleBase(loggerIn=log).log is log
    mine = type("Mine", (reference.ModuleBase,), {})()
    assert mine.log._logger.name == "dirac_failover.Mine"


OPTION = "Transformations/FilesMaxResetCounter"


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("5", None, "5"), ("5", "d", "5"), ("5", 10, 5), (" 7 ", 10, 7), ("5", 1.5, 5.0), ("5", int, 5),
        ("x", 10, 10), ("2.5", 10, 10), ("x", int, int), ("x", {"k": 1}, {"k": 1}),
        ("yes", False, True), ("Y", False, True), ("TRUE", False, True), ("1", False, True),
        ("no", True, False), ("x", True, False), ("2", True, False),
        ("a, b ,,c", [], ["a", "b", "c"]), ("a", ["z"], ["a"]), ("", ["z"], []), ("x, y", list, ["x", "y"]),
        ("ab", ("t",), ("a", "b")), ("", None, ""),
    ],
)  # fmt: skip
def test_options_become_what_their_default_is(implementation, text, default, value):
    with implementation.connect(lambda *_, **__: None, options={OPTION: text}):
        found = implementation.ModuleBase().opsH.getValue(OPTION, default)
    assert found == value
    assert type(found) is type(value)


def test_an_option_that_is_not_set_is_its_default(implementation):
    with implementation.connect(lambda *_, **__: None):
        options = implementation.ModuleBase().opsH
        assert options.getValue("No/Such") is None
        assert options.getValue("No/Such", [1]) == [1]
        assert options.getValue("No/Such", defaultValue=5) == 5


def test_the_reference_has_no_data_manager_and_says_so(reference):
    message = r"^The reference has no DataManager to give getFile: give the module a double as \.dm$"
    with pytest.raises(AttributeError, match=message):
        _ = reference.ModuleBase().dm.getFile


# execute(): the hooks


def test_hooks_are_called_in_order_and_what_they_return_is_ignored(make):
    module = make()
    assert module.execute() is None
    assert module.calls == [(name,) for name in [*HOOKS, "finalize"]]
    module = make(returns={"OK": False, "Message": "no"}, raises={"_finalize": (end := ValueError("x"))})
    assert module.execute()["Message"] is end
    assert [call[0] for call in module.calls] == [*HOOKS, "setApplicationStatus", "finalize"]


def test_the_hook_ends_with_the_status_that_it_is_given_and_finalize_only_logs(base, implementation):
    for status, text in ((["all done"], "all done"), ([], f"{type(base)} correctly finalized")):
        with pytest.raises(implementation.GracefulTermination) as caught:
            base._finalize(*status)
        assert caught.value.args == (text,)
    base.log.calls.clear()
    assert base.finalize() is None
    assert [call[0] for call in base.log.calls] == ["info"]


def exception(implementation, name):
    return (implementation.GracefulTermination if name == "GracefulTermination" else getattr(builtins, name))("bye")


inner = Exception("inner")
ENDS = {
    "nothing said": (RuntimeError(), 0, None, ""),
    "number with a meaning": (RuntimeError("msg", 1500), 1500, "msg", "msg"),
    "no number": (RuntimeError("m", "notint"), "notint", "m", "m"),
    "three": (RuntimeError("m", 3, 4), 3, "m", "m"),
    "number first": (RuntimeError(2, "m"), "m", "No such file or directory ( 2 : )", "2"),
    "an exception": (RuntimeError(inner, 7), 7, inner, "inner"),
    "OSError": (OSError(2, "nofile"), 0, None, "[Errno 2] nofile"),
    "ValueError with number": (ValueError("m", 5), 0, None, "('m', 5)"),
    "GeneratorExit": (GeneratorExit(), 0, None, ""),
}


@pytest.mark.parametrize("end", ENDS)
def test_failures_become_results_and_statuses(make, end):
    """Message None in the table stands for the exception itself; the space has the ends that modules mostly have."""
    error, number, message, status = ENDS[end]
    message = error if message is None else message
    module = make(raises={"_execute": error})
    result = module.execute()
    assert (result["OK"], result["Errno"], result["Message"]) == (False, number, message)
    assert type(result["Message"]) is type(message)
    assert module.calls[-2:] == [("setApplicationStatus", status, True), ("finalize",)]


@pytest.mark.parametrize(
    ("kind", "level"), [("GracefulTermination", "info"), ("RuntimeError", "error"), ("ValueError", "exception")]
)
def test_an_end_is_logged_once_and_a_status_that_cannot_be_reported_escapes(make, implementation, kind, level):
    error = exception(implementation, kind)
    module = make(raises={"_execute": error})
    module.execute()
    assert [call[0] for call in module.log.calls if call[0] != "verbose"] == [level]
    module = make(raises={"_execute": error})
    module.jobReport = None
    with pytest.raises(AttributeError, match="setApplicationStatus"):
        module.execute()
    assert module.calls[-1] == ("finalize",)


@pytest.mark.parametrize("raises", [{}, {"_execute": ValueError("first")}])
def test_what_finalize_raises_escapes(make, raises):
    module = make(raises={**raises, "finalize": (error := OSError("flush"))})
    with pytest.raises(OSError, match="flush") as caught:
        module.execute()
    assert caught.value is error


# execute(): identity

IDENTITY = ("production_id", "prod_job_id", "jobID", "step_number", "step_id")


def test_zero_is_looked_up_again_each_time_but_the_id_of_the_step_stays(make, monkeypatch):
    module = make(workflow_commons={"PRODUCTION_ID": "0", "JOB_ID": 0}, STEP_NUMBER=0)
    monkeypatch.setenv("JOBID", "0")
    module.execute()
    assert values(module, *IDENTITY) == (0, 0, 0, 0, "0_0_0")
    module.workflow_commons = {"PRODUCTION_ID": "00000012", "JOB_ID": 34.9}
    module.STEP_NUMBER = 8
    monkeypatch.setenv("JOBID", " 5 ")
    module.execute()
    assert values(module, *IDENTITY) == (12, 34, 5, 8, "0_0_0")
    module.execute()
    assert values(module, *IDENTITY) == (12, 34, 5, 8, "0_0_0")
    with pytest.raises(TypeError, match="%d format"):
        make(production_id="x").execute()


# Collaborators


@pytest.fixture
def unfinished(implementation):
    """A module before its inputs are resolved."""
    return set_up(implementation.ModuleBase(Spy()), jobID=77)


def test_collaborators_are_taken_from_the_commons_be_they_none(unfinished):
    for mine in (object(), None):
        unfinished.workflow_commons.update({"FileReport": mine, "JobReport": mine, "Request": mine})
        unfinished.fileReport = unfinished.jobReport = unfinished.request = None
        unfinished._resolveInputVariables()
        assert values(unfinished, *COLLABORATORS) == (mine, mine, mine)


def test_collaborators_that_are_missing_are_made_and_left_for_the_next_module(unfinished, implementation):
    with implementation.connect(lambda *_, **__: None):
        unfinished._resolveInputVariables()
    commons = unfinished.workflow_commons
    assert list(commons)[2:] == ["FileReport", "JobReport", "Request"]
    found = values(unfinished, *COLLABORATORS)
    assert found == (commons["FileReport"], commons["JobReport"], commons["Request"])
    kinds = [implementation.FileReport, implementation.JobReport, implementation.Request]
    assert [type(made) for made in found] == kinds
    assert values(unfinished.jobReport, "jobID", "source") == (77, "Job_77")


def test_collaborators_that_a_module_has_are_kept_and_not_left_in_the_commons(unfinished):
    unfinished.fileReport, unfinished.jobReport, unfinished.request = "f", "j", "r"
    unfinished.workflow_commons["InputData"] = "/vo/a"
    unfinished._resolveInputVariables()
    assert values(unfinished, *COLLABORATORS) == ("f", "j", "r")
    assert list(unfinished.workflow_commons) == ["PRODUCTION_ID", "JOB_ID", "InputData"]
    assert unfinished.inputDataList == ["/vo/a"]


# Inputs of the workflow: the region "inputs" of the space has their forms


def test_input_data_are_lfns_and_parametric_ones_go_before_them(base):
    base.jobType, base.appSteps, base.outputDataFileMask = "t", ["s"], "TXT"
    base.workflow_commons = {"InputData": ";"}
    base._resolveInputWorkflow()
    assert values(base, "InputData", "inputDataList") == ("", [])
    assert values(base, "jobType", "appSteps", "outputDataFileMask") == ("t", ["s"], "TXT")
    parametric = ["/p", "LFN:/q", ";"]
    base.workflow_commons = {
        "InputData": "/a", "ParametricInputData": parametric, "JobType": None, "appSteps": ("a", "b"),
        "outputDataFileMask": "a;;B ",
    }  # fmt: skip
    base._resolveInputWorkflow()
    assert values(base, "InputData", "inputDataList") == ("/p;LFN:/q", ["/p", "/q"])
    assert parametric == ["/p", "LFN:/q", ";"]
    assert values(base, "jobType", "appSteps", "outputDataFileMask") == (None, ("a", "b"), ["a", "", "b"])


# Inputs of the step

APPLICATION = ("executable", "applicationName", "applicationVersion", "applicationLog", "inputDataType")


def step_inputs(module, **commons):
    module.step_commons = {"STEP_INSTANCE_NAME": "s2", **commons}
    module._resolveInputStep()
    return module


def test_what_the_step_says_is_taken_and_else_the_application_is_unknown(base):
    base.inputDataType = "DST"
    step_inputs(base)
    assert values(base, *APPLICATION) == ("Unknown", "Unknown", "Unknown", "applicationLog.txt", "DST")
    assert (base.stepName, base.stepInputData) == ("s2", [])
    step_inputs(base, executable="e", applicationName=None, applicationVersion="v", logFile="l", inputDataType="t")
    assert values(base, *APPLICATION) == ("e", None, "v", "l", "t")
    assert step_inputs(base, applicationLog="a", logFile="l").applicationLog == "a"
    assert step_inputs(base, applicationLog=None, logFile="l").applicationLog is None


def previous(module, outputs, steps=("s1", "s2"), name="s2", kind="DST"):
    module.workflow_commons = {"outputList": outputs}
    module.appSteps, module.stepName, module.inputDataType = list(steps), name, kind
    return module._determineStepInputData("previousStep")


def test_the_outputs_of_the_previous_step_are_found_by_step_and_type_in_any_case(base):
    outputs = [
        {"stepName": "s1", "outputDataType": "dst", "outputDataName": "LFNa.dst"},
        {"stepName": "s1", "outputDataType": "Dst", "outputDataName": "b.dst"},
        {"stepName": "s1", "outputDataType": "log"},
        {"stepName": "s2", "outputDataType": "dst", "outputDataName": "c.dst"},
        {"stepName": "s0"},
    ]
    assert previous(base, outputs) == ["LFNa.dst", "b.dst"]
    with pytest.raises(RuntimeError, match=r"^Can't find output of step s1$"):
        previous(base, [*outputs, {"outputDataType": "dst"}])
    assert previous(base, outputs, steps=("s0", "s2", "s1"), name="s1", kind="dst") == ["c.dst"]
    assert previous(base, outputs, steps=("s2", "s1"), kind="dst") == ["LFNa.dst", "b.dst"]
    base.appSteps, base.workflow_commons = ["s1", "s2"], {"outputList": [
        {"stepName": "s1", "outputDataType": "", "outputDataName": "LFNout:"}]}  # fmt: skip
    assert step_inputs(base, inputData="previousStep", inputDataType="").stepInputData == ["out"]


# Status


@pytest.mark.parametrize(("workflow", "step"), [(WELL, WELL), (WELL, FAILED), (FAILED, WELL)])
def test_all_is_well_when_workflow_and_step_are(base, workflow, step):
    base.workflowStatus, base.stepStatus = workflow, step
    well = workflow["OK"] and step["OK"]
    assert base._checkWFAndStepStatus(noPrint=True) is well
    assert base.log.calls == []
    assert base._checkWFAndStepStatus() is well
    assert bool(base.log.calls) is not well


def test_reports_that_are_not_ok_are_only_logged_and_without_a_job_there_are_none(base):
    base.jobReport = Spy(setApplicationStatus=FAILED, setJobParameter=FAILED)
    base.setApplicationStatus("x")
    base.setJobParameter("n", "v")
    assert base.log.named("warn") == [call for call in base.log.calls if "before" in call]
    assert len(base.log.named("warn")) == 2
    base.jobReport = Spy(setApplicationStatus={"OK": False}, setJobParameter=None)
    with pytest.raises(KeyError, match=r"^'Message'$"):
        base.setApplicationStatus("x")
    with pytest.raises(TypeError):
        base.setJobParameter("n", "v")
    base.jobID = 0
    assert (base.setApplicationStatus("x"), base.setJobParameter("n", "v")) == (0, 0)


@pytest.mark.parametrize(("job", "enabled"), [(77, True), (0, False), (None, False), ("", False), (-1, True)])
def test_a_module_is_enabled_in_a_job(base, job, enabled):
    base.jobID = job
    assert base._enableModule() is enabled
    assert base._WMSJob() is enabled


def test_a_job_id_that_is_a_text_is_refused_where_it_is_logged(base):
    base.jobID = "77"
    with pytest.raises(TypeError):
        base._enableModule()
    with pytest.raises(TypeError):
        base.setJobParameter("n", "v")
    base.setApplicationStatus("x")
    assert base.jobReport.calls == [("setApplicationStatus", "x", True)]


# Output files


def output(name, kind="txt"):
    return {"outputDataName": name, "outputDataType": kind, "outputDataSE": "SE"}


@pytest.fixture
def on_disk(tmp_path):
    return lambda *names: [(tmp_path / name).touch() for name in names]


def test_masks_restrict_the_candidates(base, on_disk):
    """A file that is masked out needs no LFN, but it must be there."""
    on_disk("f_1.txt", "g_2.txt", "h_1.dst")
    outputs = [{"outputDataName": "incomplete"}, output("f_1.txt"), output("g_2.txt"), output("h_1.dst", "DST")]
    assert base.getCandidateFiles(outputs, ["/vo/x", "/vo/x/f_1.txt", "/vo/y/f_1.txt"], ["txt"], "1") == {
        "f_1.txt": {"type": "txt", "workflowSE": "SE", "lfn": "/vo/y/f_1.txt"}
    }
    assert base.log.named("error")
    assert list(base.getCandidateFiles(outputs, ["/vo/f_1.txt"], ["txt"], "1")) == ["f_1.txt"]
    assert list(base.getCandidateFiles(outputs, ["/vo/g_2.txt"], "txt", stepMask=2)) == ["g_2.txt"]
    assert list(base.getCandidateFiles(outputs, ["/vo/h_1.dst"], ["dst"])) == ["h_1.dst"]
    with pytest.raises(OSError, match=r"^$"):
        base.getCandidateFiles([*outputs, output("absent.log", "log")], ["/vo/f_1.txt"], ["txt"], "1")
    with pytest.raises(ValueError, match=r"^$"):
        base.getCandidateFiles(outputs, ["/vo/f_1.txt"], ["txt"])


FILES = {"f_1.txt": "TXT", "f_2.root": "Root", "g_1_3.txt": "txt", "plain": "TXT", "a.b_4.tar.gz": "gz"}
MASKS = [
    ("", "", list(FILES)), ([""], [], list(FILES)), (["", "txt"], "", ["f_1.txt", "g_1_3.txt", "plain"]),
    ("", True, []), (["gz"], 4, ["a.b_4.tar.gz"]), ("txt", ["1", "4"], ["f_1.txt"]),
]  # fmt: skip


@pytest.mark.parametrize(("types", "steps", "kept"), MASKS)
def test_masks_keep_types_and_steps(base, types, steps, kept):
    """A type in lower case against the mask as it is; a step is what stands between the last '_' and the next dot."""
    files = {name: {"type": kind, "more": [1]} for name, kind in FILES.items()}
    found = base._applyMask(files, types, steps)
    assert list(found) == kept
    assert list(files) == list(FILES)
    assert all(found[name] == files[name] and found[name]["more"] is not files[name]["more"] for name in found)


def test_a_mask_of_types_needs_types(base):
    assert base._applyMask({"f_1": {}}, "", "1") == {"f_1": {}}
    with pytest.raises(KeyError):
        base._applyMask({"f_1": {}}, "txt", "")


def test_the_log_says_which_candidates_lack_which_key_and_which_files_are_missing(reference):
    module = reference.ModuleBase(log := Spy())
    candidates = {"a": {"type": "", "lfn": ""}, "b": {}}
    lacking = [("a", "workflowSE"), *(("b", key) for key in ("type", "workflowSE", "lfn"))]
    for check, argument, missing in (
        (module._checkSanity, candidates, lacking),
        (module._checkLocalExistance, ["a", "."], ["a"]),
    ):
        with pytest.raises((ValueError, OSError)) as caught:
            check(argument)
        assert caught.value.args == ()
        assert log.calls.pop()[2] == missing


# Fail-over

FILE = "12_34_request.json"


@pytest.fixture
def idle(implementation, base):
    """A module with a real request, which belongs to somebody, has a name, and is empty."""
    with implementation.connect(lambda *_, **__: None, owner="alice", group="vo_user"):
        base.request = implementation.Request()
    base.request.RequestName = "job_77_request.xml"
    base.production_id, base.prod_job_id = 12, 34
    base.workflow_commons = {}
    return base


@pytest.fixture
def pending(implementation, idle):
    """The same with one operation in its request."""
    idle.request.addOperation(operation(implementation))
    return idle


def operation(implementation, kind="ForwardDISET", arguments="x"):
    made = implementation.Operation()
    made.Type, made.Arguments = kind, arguments
    return made


def written(tmp_path):
    return {path.name: path.read_text() for path in tmp_path.iterdir()}


@pytest.mark.parametrize("nothing", [..., None, 0, []])
def test_nothing_pending_writes_nothing_with_no_accounting_either(idle, tmp_path, nothing):
    if nothing is not ...:
        idle.workflow_commons["AccountingReport"] = nothing
    assert idle.generateFailoverFile() is None
    assert idle.jobReport.calls == [("generateForwardDISET",)]
    assert written(tmp_path) == {}


def test_an_operation_of_the_job_report_joins_the_others_and_other_failures_are_only_logged(
    pending, implementation, tmp_path, monkeypatch
):
    theirs = operation(implementation, arguments="job report")
    pending.jobReport = Spy(generateForwardDISET=[{"OK": True, "Value": theirs}, FAILED])
    monkeypatch.setattr(pending.request, "getDigest", lambda: FAILED)
    for logged in ([], ["warn"]):
        assert pending.generateFailoverFile() is None
        assert list(pending.request)[1:] == [theirs]
        assert "job report" in written(tmp_path)[FILE]
        assert [call[0] for call in pending.log.named("warn", "error")] == [*logged, "error"]
        pending.log.calls.clear()


def test_accounting_is_committed_after_the_job_report_was_asked_and_before_the_file(pending, tmp_path):
    seen = []

    class Accounting:
        def commit(self):
            seen.append((list(pending.jobReport.calls), written(tmp_path)))
            return {"OK": True}

    pending.workflow_commons["AccountingReport"] = Accounting()
    assert pending.generateFailoverFile() is None
    assert seen == [([("generateForwardDISET",)], {})]
    assert list(written(tmp_path)) == [FILE]


def test_a_request_that_is_invalid_or_has_no_json_is_an_error_and_not_written(
    idle, implementation, tmp_path, monkeypatch
):
    idle.request.addOperation(operation(implementation, None))
    reason = "Operation #0 in request 'job_77_request.xml' hasn't got Type set"
    with pytest.raises(RuntimeError, match=rf"^Failover request is not valid: {reason}$"):
        idle.generateFailoverFile()
    idle.request[0].Type = "ForwardDISET"
    monkeypatch.setattr(idle.request, "toJSON", lambda: FAILED)
    with pytest.raises(RuntimeError, match=r"^before$"):
        idle.generateFailoverFile()
    assert written(tmp_path) == {}
