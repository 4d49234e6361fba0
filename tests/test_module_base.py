"""ModuleBase: what a workflow may expect of a module, and a module of its base, on each implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

HOOKS = ["_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize"]
WELL = {"OK": True, "Value": None}
FAILED = {"OK": False, "Errno": 0, "Message": "before"}


class Spy:
    """Stands for any collaborator: remembers calls, and answers ``S_OK()`` unless it is told what."""

    def __init__(self, calls=None, name="", **answers):
        self.calls = [] if calls is None else calls
        self._name = name
        self._answers = answers

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)

        def call(*args, **kwargs):
            self.calls.append((f"{self._name}{method}", *args, *sorted(kwargs.items())))
            answer = self._answers.get(method, {"OK": True, "Value": None})
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """Each test has an empty directory, and the job 77."""
    monkeypatch.setenv("JOBID", "77")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make(kit):
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

        module = type("Mine", (kit.ModuleBase,), {name: hook(name) for name in [*HOOKS, "finalize"]})(Spy())
        set_up(module, **attributes)
        module.jobReport = Spy(calls)
        module.calls = calls
        return module

    return make


def set_up(module, **attributes):
    """Give a module what the workflow gives, and ``attributes``."""
    module.STEP_NUMBER = "3"
    module.workflow_commons = {"PRODUCTION_ID": "00000012", "JOB_ID": "00000034"}
    module.workflowStatus, module.stepStatus = WELL, WELL
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


@pytest.fixture
def base(kit):
    """A plain module that has a job report and is in the job 77."""
    return set_up(kit.ModuleBase(Spy()), jobID=77, jobReport=Spy())


# Attributes


def test_a_new_module_has_its_attributes(kit):
    module = kit.ModuleBase()
    expected = {
        "production_id": 0, "prod_job_id": 0, "jobID": 0, "step_number": 0, "step_id": 0,
        "jobType": "", "executable": "", "command": None,
        "workflowStatus": {}, "stepStatus": {}, "workflow_commons": {}, "step_commons": {},
        "applicationName": "", "applicationVersion": "", "applicationLog": "applicationLog.txt", "stepName": "",
        "inputDataType": "", "outputDataFileMask": [], "stepInputData": [], "appSteps": [], "inputDataList": [],
        "InputData": [], "fileReport": None, "jobReport": None, "request": None,
    }  # fmt: skip
    found = vars(module)
    assert {name: value for name, value in found.items() if name not in {"log", "opsH", "dm"}} == expected
    assert [type(found[name]) for name in expected] == [type(value) for value in expected.values()]
    assert {"log", "opsH", "dm"} < set(found)


def test_modules_share_no_attribute_that_can_be_changed(kit):
    one, other = vars(kit.ModuleBase()), vars(kit.ModuleBase())
    assert [name for name in one if isinstance(one[name], list | dict) and one[name] is other[name]] == []


def test_a_module_logs_as_it_is_told_or_under_the_name_of_its_class(kit, reference):
    log = Spy()
    assert kit.ModuleBase(log).log is log
    assert kit.ModuleBase(loggerIn=log).log is log
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
def test_options_become_what_their_default_is(kit, text, default, value):
    with kit.connect(lambda *_, **__: None, options={OPTION: text}):
        found = kit.ModuleBase().opsH.getValue(OPTION, default)
    assert found == value
    assert type(found) is type(value)


def test_an_option_that_is_not_set_is_its_default(kit):
    with kit.connect(lambda *_, **__: None):
        options = kit.ModuleBase().opsH
        assert options.getValue("No/Such") is None
        assert options.getValue("No/Such", [1]) == [1]
        assert options.getValue("No/Such", defaultValue=5) == 5


def test_the_reference_has_no_data_manager_and_says_so(reference):
    with pytest.raises(
        AttributeError, match=r"^The reference has no DataManager to give getFile: give the module a double as \.dm$"
    ):
        _ = reference.ModuleBase().dm.getFile


# execute(): the hooks


def test_hooks_are_called_in_order_without_arguments(make):
    module = make()
    assert module.execute() is None
    assert module.calls == [(name,) for name in [*HOOKS, "finalize"]]


def test_what_hooks_return_is_ignored(make):
    module = make(returns={"OK": False, "Message": "no"}, raises={"_finalize": (end := ValueError("x"))})
    assert module.execute()["Message"] is end
    assert [call[0] for call in module.calls] == [*HOOKS, "setApplicationStatus", "finalize"]


def test_the_base_class_does_nothing_and_ends_well(kit):
    module = set_up(kit.ModuleBase(Spy()), jobReport=(report := Spy()), fileReport=Spy(), request=Spy())
    result = module.execute()
    assert result["OK"] is True
    assert type(result["Value"]) is kit.GracefulTermination
    assert str(result["Value"]) == f"{kit.ModuleBase} correctly finalized"
    assert report.calls == [("setApplicationStatus", str(result["Value"]), True)]
    assert module.command is None
    assert [getattr(module, name)() for name in ("_initialize", "_setCommand", "_executeCommand", "_execute")] == [
        None
    ] * 4


def test_finalize_hook_ends_with_the_status_that_it_is_given(base, kit):
    with pytest.raises(kit.GracefulTermination) as caught:
        base._finalize("all done")
    assert caught.value.args == ("all done",)
    with pytest.raises(kit.GracefulTermination) as caught:
        base._finalize()
    assert caught.value.args == (f"{type(base)} correctly finalized",)


def test_finalize_flushes_and_returns_nothing(base):
    assert base.finalize() is None
    assert [call[0] for call in base.log.calls] == ["info"]


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("kind", ["GracefulTermination", "RuntimeError", "ValueError", "KeyboardInterrupt"])
def test_a_hook_that_raises_is_the_last(make, kit, kind, place):
    """The status is reported, then finalize() is called; the exception is the Value or the Message."""
    error = {"GracefulTermination": kit.GracefulTermination, **vars(__import__("builtins"))}[kind]("bye")
    module = make(raises={HOOKS[place]: error})
    result = module.execute()
    assert module.calls == [
        *((name,) for name in HOOKS[: place + 1]), ("setApplicationStatus", "bye", True), ("finalize",),
    ]  # fmt: skip
    if kind == "GracefulTermination":
        assert result == {"OK": True, "Value": error}
        assert result["Value"] is error
    else:
        assert (result["OK"], result["Errno"], result["Message"]) == (False, 0, error)
        assert isinstance(result["CallStack"], list)


inner = Exception("inner")
ENDS = {
    "nothing said": (RuntimeError(), 0, None, ""),
    "text and number": (RuntimeError("msg", 5), 5, "msg", "msg"),
    "number with a meaning": (RuntimeError("msg", 1500), 1500, "msg", "msg"),
    "number zero": (RuntimeError("m", 0), 0, "m", "m"),
    "no number": (RuntimeError("m", "notint"), "notint", "m", "m"),
    "three": (RuntimeError("m", 3, 4), 3, "m", "m"),
    "number first": (RuntimeError(2, "m"), "m", "No such file or directory ( 2 : )", "2"),
    "an exception": (RuntimeError(inner, 7), 7, inner, "inner"),
    "a subclass": (NotImplementedError("m", 9), 9, "m", "m"),
    "another subclass": (RecursionError("m"), 0, None, "m"),
    "OSError": (OSError(2, "nofile"), 0, None, "[Errno 2] nofile"),
    "ValueError with number": (ValueError("m", 5), 0, None, "('m', 5)"),
    "SystemExit": (SystemExit(3), 0, None, "3"),
    "GeneratorExit": (GeneratorExit(), 0, None, ""),
}


@pytest.mark.parametrize("end", ENDS)
def test_failures_become_results_and_statuses(make, end):
    """Message None in the table stands for the exception itself; only RuntimeError has a number."""
    error, number, message, status = ENDS[end]
    module = make(raises={"_execute": error})
    result = module.execute()
    assert (result["OK"], result["Errno"]) == (False, number)
    assert result["Message"] == (error if message is None else message)
    assert type(result["Message"]) is type(error if message is None else message)
    assert module.calls[-2:] == [("setApplicationStatus", status, True), ("finalize",)]


def test_graceful_ends_are_reported_with_all_their_arguments(make, kit):
    module = make(raises={"_execute": (end := kit.GracefulTermination("a", "b"))})
    assert module.execute()["Value"] is end
    assert module.calls[-2] == ("setApplicationStatus", "('a', 'b')", True)


def test_each_end_is_logged(make, kit):
    for error, level in (
        (kit.GracefulTermination("bye"), "info"),
        (RuntimeError("no"), "error"),
        (ValueError("boom"), "exception"),
    ):
        module = make(raises={"_execute": error})
        module.execute()
        assert [call[0] for call in module.log.calls if call[0] != "verbose"] == [level]


def test_finalize_replaces_the_result_when_it_raises(make):
    for raises in ({}, {"_execute": ValueError("first")}):
        module = make(raises={**raises, "finalize": (error := OSError("flush"))})
        with pytest.raises(OSError, match="flush") as caught:
            module.execute()
        assert caught.value is error


@pytest.mark.parametrize("kind", ["GracefulTermination", "RuntimeError", "ValueError"])
def test_a_status_that_cannot_be_reported_escapes_after_finalize(make, kit, kind):
    error = {"GracefulTermination": kit.GracefulTermination, **vars(__import__("builtins"))}[kind]("bye")
    module = make(raises={"_execute": error})
    module.jobReport = None
    with pytest.raises(AttributeError, match="setApplicationStatus"):
        module.execute()
    assert module.calls[-1] == ("finalize",)


# execute(): identity


def identity(module):
    return (module.production_id, module.prod_job_id, module.jobID, module.step_number, module.step_id)


def test_identity_is_found_in_the_commons_the_environment_and_the_step(make):
    module = make()
    module.execute()
    assert identity(module) == (12, 34, 77, 3, "12_34_3")


def test_an_identity_that_is_there_is_kept(make):
    module = make(production_id=1, prod_job_id=2, jobID=4, step_number=5, step_id="mine", workflow_commons={})
    del module.STEP_NUMBER
    module.execute()
    assert identity(module) == (1, 2, 4, 5, "mine")


def test_zero_is_looked_up_again_each_time(make, monkeypatch):
    module = make(workflow_commons={"PRODUCTION_ID": "0", "JOB_ID": 0}, STEP_NUMBER=0)
    monkeypatch.setenv("JOBID", "0")
    module.execute()
    assert identity(module) == (0, 0, 0, 0, "0_0_0")
    module.workflow_commons = {"PRODUCTION_ID": "00000012", "JOB_ID": 34.9}
    module.STEP_NUMBER = 8
    monkeypatch.setenv("JOBID", " 5 ")
    module.execute()
    assert identity(module) == (12, 34, 5, 8, "0_0_0")


def test_without_jobid_the_job_stays_what_it_was(make, monkeypatch):
    monkeypatch.delenv("JOBID")
    module = make()
    module.execute()
    assert module.jobID == 0
    module = make(jobID="")
    with pytest.raises(ValueError, match="invalid literal"):
        module.execute()


ESCAPES = {
    "no production": ({"workflow_commons": {"JOB_ID": "1"}}, "7", KeyError, ("PRODUCTION_ID",)),
    "odd production": ({"workflow_commons": {"PRODUCTION_ID": "x"}}, "7", ValueError, None),
    "no task": ({"workflow_commons": {"PRODUCTION_ID": "1"}}, "7", KeyError, ("JOB_ID",)),
    "odd task": ({"workflow_commons": {"PRODUCTION_ID": "1", "JOB_ID": "x"}}, "7", ValueError, None),
    "empty job": ({}, "", ValueError, None),
    "odd job": ({}, "x9", ValueError, None),
    "none as step": ({"STEP_NUMBER": None}, "7", TypeError, None),
    "odd step": ({"STEP_NUMBER": "x"}, "7", ValueError, None),
    "text as production": ({"production_id": "x"}, "7", TypeError, None),
}


@pytest.mark.parametrize("case", ESCAPES)
def test_an_identity_that_cannot_be_found_escapes(make, monkeypatch, case):
    attributes, job, kind, args = ESCAPES[case]
    monkeypatch.setenv("JOBID", job)
    module = make(**attributes)
    with pytest.raises(kind) as caught:
        module.execute()
    assert args is None or caught.value.args == args
    assert module.calls == []


def test_a_module_without_a_step_number_escapes(make):
    module = make()
    del module.STEP_NUMBER
    with pytest.raises(AttributeError, match="STEP_NUMBER"):
        module.execute()
    assert module.calls == []


# Collaborators


@pytest.fixture
def unfinished(kit):
    """A module before its inputs are resolved."""
    return set_up(kit.ModuleBase(Spy()), jobID=77)


def test_collaborators_are_taken_from_the_commons(unfinished):
    mine = {"FileReport": object(), "JobReport": object(), "Request": object()}
    unfinished.workflow_commons.update(mine)
    unfinished._resolveInputVariables()
    found = (unfinished.fileReport, unfinished.jobReport, unfinished.request)
    assert found == tuple(mine.values())


def test_collaborators_that_are_missing_are_made_and_left_for_the_next_module(unfinished, kit):
    with kit.connect(lambda *_, **__: None):
        unfinished._resolveInputVariables()
    commons = unfinished.workflow_commons
    assert list(commons)[2:] == ["FileReport", "JobReport", "Request"]
    assert [type(commons[name]) for name in list(commons)[2:]] == [kit.FileReport, kit.JobReport, kit.Request]
    assert unfinished.fileReport is commons["FileReport"]
    assert unfinished.jobReport is commons["JobReport"]
    assert unfinished.request is commons["Request"]
    assert (unfinished.jobReport.jobID, unfinished.jobReport.source) == (77, "Job_77")


def test_collaborators_that_are_none_are_taken_as_that(unfinished):
    unfinished.workflow_commons.update({"FileReport": None, "JobReport": None, "Request": None})
    unfinished._resolveInputVariables()
    assert (unfinished.fileReport, unfinished.jobReport, unfinished.request) == (None, None, None)


def test_collaborators_that_a_module_has_are_kept(unfinished):
    unfinished.fileReport, unfinished.jobReport, unfinished.request = "f", "j", "r"
    unfinished.workflow_commons["InputData"] = "/vo/a"
    unfinished._resolveInputVariables()
    assert (unfinished.fileReport, unfinished.jobReport, unfinished.request) == ("f", "j", "r")
    assert list(unfinished.workflow_commons) == ["PRODUCTION_ID", "JOB_ID", "InputData"]
    assert unfinished.inputDataList == ["/vo/a"]


# Inputs of the workflow


def workflow_inputs(module, **commons):
    module.workflow_commons = commons
    module._resolveInputWorkflow()
    return module


INPUTS = {
    "none at all": ({}, "", []),
    "None": ({"InputData": None}, "", []),
    "empty": ({"InputData": ""}, "", []),
    "semicolon": ({"InputData": ";"}, "", []),
    "semicolons": ({"InputData": ";;"}, ";;", []),
    "prefixed": ({"InputData": "LFN:/lhcb/a;LFN:/lhcb/b"}, "LFN:/lhcb/a;LFN:/lhcb/b", ["/lhcb/a", "/lhcb/b"]),
    "characters": ({"InputData": "/lhcb/NFL;/vo/x:L"}, "/lhcb/NFL;/vo/x:L", ["/lhcb/", "/vo/x"]),
    "at both ends": ({"InputData": "LFN:/vo/FILE.L"}, "LFN:/vo/FILE.L", ["/vo/FILE."]),
    "twice": ({"InputData": "LFN:LFN:/vo/f"}, "LFN:LFN:/vo/f", ["/vo/f"]),
    "lower case": ({"InputData": "lfn:/vo/f"}, "lfn:/vo/f", ["lfn:/vo/f"]),
    "PFN": ({"InputData": "PFN:/vo/f"}, "PFN:/vo/f", ["PFN:/vo/f"]),
    "gaps": ({"InputData": "/a;;/b;"}, "/a;;/b;", ["/a", "/b"]),
    "blanks": ({"InputData": " /a ; /b"}, " /a ; /b", [" /a ", " /b"]),
    "prefix alone": ({"InputData": "LFN:"}, "LFN:", [""]),
    "parametric": ({"InputData": "/a", "ParametricInputData": "/p;/q;"}, "/p;/q", ["/p", "/q"]),
    "parametric list": ({"ParametricInputData": ["/p", "LFN:/q"]}, "/p;LFN:/q", ["/p", "/q"]),
    "parametric empty": ({"InputData": "/a", "ParametricInputData": ""}, "/a", ["/a"]),
    "parametric none": ({"InputData": "/a", "ParametricInputData": []}, "/a", ["/a"]),
    "parametric semicolons": ({"InputData": "/a", "ParametricInputData": ";;"}, "", []),
    "no other characters": ({"ParametricInputData": "~LFN:/p~;;"}, "~LFN:/p~", ["~LFN:/p~"]),
    "parametric list end": ({"ParametricInputData": ["/p", ";"]}, "/p", ["/p"]),
}


@pytest.mark.parametrize("case", INPUTS)
def test_input_data_come_in_many_forms(base, case):
    """InputData keeps the text; inputDataList holds the LFNs, without the characters of 'LFN:' at both ends."""
    commons, text, lfns = INPUTS[case]
    workflow_inputs(base, **commons)
    assert (base.InputData, base.inputDataList) == (text, lfns)


@pytest.mark.parametrize(
    ("commons", "kind"),
    [
        ({"InputData": ["/a"]}, AttributeError), ({"InputData": 5}, AttributeError),
        ({"ParametricInputData": 5}, AttributeError), ({"ParametricInputData": [1]}, TypeError),
        ({"ParametricInputData": {"/p": 1}}, AttributeError),
    ],
)  # fmt: skip
def test_input_data_of_other_types_are_refused(base, commons, kind):
    with pytest.raises(kind):
        workflow_inputs(base, **commons)


def test_parametric_input_data_stay_as_they_are(base):
    mine = ["/p", "/q"]
    workflow_inputs(base, ParametricInputData=mine)
    assert mine == ["/p", "/q"]


def test_job_type_steps_and_mask_come_from_the_commons_or_stay(base):
    base.jobType, base.appSteps, base.outputDataFileMask = "t", ["s"], "TXT"
    workflow_inputs(base)
    assert (base.jobType, base.appSteps, base.outputDataFileMask) == ("t", ["s"], "TXT")
    workflow_inputs(base, JobType=None, appSteps=("a", "b"), outputDataFileMask=["TXT"])
    assert (base.jobType, base.appSteps, base.outputDataFileMask) == (None, ("a", "b"), ["TXT"])


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        ("TXT; Root ", ["txt", "root"]), ("", [""]), (["TXT "], ["TXT "]), (None, None), (("A",), ("A",)),
        ("a;;B", ["a", "", "b"]),
    ],
)  # fmt: skip
def test_a_mask_that_is_a_text_becomes_a_list_in_lower_case(base, mask, found):
    workflow_inputs(base, outputDataFileMask=mask)
    assert base.outputDataFileMask == found


# Inputs of the step


def step_inputs(module, **commons):
    module.step_commons = {"STEP_INSTANCE_NAME": "s2", **commons}
    module._resolveInputStep()
    return module


def test_a_step_without_a_name_is_refused(base):
    base.step_commons = {}
    with pytest.raises(KeyError) as caught:
        base._resolveInputStep()
    assert caught.value.args == ("STEP_INSTANCE_NAME",)
    assert step_inputs(base, STEP_INSTANCE_NAME=None).stepName is None


def test_what_the_step_does_not_say_is_unknown(base):
    base.inputDataType = "DST"
    step_inputs(base)
    found = (base.stepName, base.executable, base.applicationName, base.applicationVersion)
    assert found == ("s2", "Unknown", "Unknown", "Unknown")
    assert (base.applicationLog, base.inputDataType, base.stepInputData) == ("applicationLog.txt", "DST", [])


def test_what_the_step_says_is_taken(base):
    step_inputs(base, executable="e", applicationName=None, applicationVersion="v", logFile="l", inputDataType="t")
    found = (base.executable, base.applicationName, base.applicationVersion, base.applicationLog, base.inputDataType)
    assert found == ("e", None, "v", "l", "t")
    assert step_inputs(base, applicationLog="a", logFile="l").applicationLog == "a"
    assert step_inputs(base, applicationLog=None, logFile="l").applicationLog is None


@pytest.mark.parametrize(
    ("commons", "job", "found"),
    [
        ({"inputData": "LFN:/vo/s;/vo/t;"}, "/vo/a", ["/vo/s", "/vo/t", ""]),
        ({"inputData": ""}, "LFN:/vo/a;;/vo/b", ["/vo/a", "", "/vo/b"]), ({"inputData": None}, "/vo/a", ["/vo/a"]),
        ({}, "LFN:/vo/a", ["/vo/a"]), ({}, "", ["kept"]), ({}, [], ["kept"]),
    ],
)  # fmt: skip
def test_the_input_of_a_step_is_its_own_or_the_jobs(base, commons, job, found):
    base.InputData, base.stepInputData = job, ["kept"]
    assert step_inputs(base, **commons).stepInputData == found


def test_the_input_of_a_step_must_be_a_text(base):
    with pytest.raises(AttributeError, match="split"):
        step_inputs(base, inputData=["/vo/s"])


def previous(module, outputs, steps=("s1", "s2"), name="s2", kind="DST"):
    module.workflow_commons = {"outputList": outputs}
    module.appSteps, module.stepName, module.inputDataType = list(steps), name, kind
    return module._determineStepInputData("previousStep")


def test_the_outputs_of_the_previous_step_are_found_by_step_and_type(base):
    outputs = [
        {"stepName": "s1", "outputDataType": "dst", "outputDataName": "LFNa.dst"},
        {"stepName": "s1", "outputDataType": "Dst", "outputDataName": "b.dst"},
        {"stepName": "s1", "outputDataType": "log"},
        {"stepName": "s2", "outputDataType": "dst", "outputDataName": "c.dst"},
        {"stepName": "s0"},
    ]
    assert previous(base, outputs) == ["LFNa.dst", "b.dst"]
    assert previous(base, outputs, steps=("s0", "s2", "s1"), name="s1", kind="dst") == ["c.dst"]
    assert previous(base, outputs, steps=("s2", "s1"), kind="dst") == ["LFNa.dst", "b.dst"]


def test_names_of_the_previous_steps_outputs_lose_characters_like_lfns(base):
    base.appSteps, base.workflow_commons = ["s1", "s2"], {"outputList": [
        {"stepName": "s1", "outputDataType": "", "outputDataName": "LFNout:"}]}  # fmt: skip
    assert step_inputs(base, inputData="previousStep").stepInputData == ["out"]


@pytest.mark.parametrize(
    "entry",
    [{"outputDataType": "dst", "outputDataName": "x"}, {"stepName": "s1"}, {"stepName": "s1", "outputDataType": "dst"}],
)
def test_an_output_of_the_previous_step_that_lacks_something_is_an_error(base, entry):
    with pytest.raises(RuntimeError) as caught:
        previous(base, [entry])
    assert caught.value.args == ("Can't find output of step s1",)


def test_a_previous_step_that_cannot_be_found_is_an_error(base):
    base.workflow_commons, base.appSteps, base.stepName = {}, ["s1", "s2"], "s2"
    with pytest.raises(KeyError) as caught:
        base._determineStepInputData("previousStep")
    assert caught.value.args == ("outputList",)
    with pytest.raises(ValueError, match="not in list"):
        previous(base, [], steps=("s1",))


# Status


@pytest.mark.parametrize("workflow", [WELL, FAILED])
@pytest.mark.parametrize("step", [WELL, FAILED])
def test_all_is_well_when_workflow_and_step_are(base, workflow, step):
    base.workflowStatus, base.stepStatus = workflow, step
    well = workflow["OK"] and step["OK"]
    assert base._checkWFAndStepStatus(noPrint=True) is well
    assert base.log.calls == []
    assert base._checkWFAndStepStatus() is well
    assert bool(base.log.calls) is not well


def test_a_status_that_was_never_set_cannot_be_asked(base):
    base.workflowStatus = {}
    with pytest.raises(KeyError):
        base._checkWFAndStepStatus()
    base.workflowStatus, base.stepStatus = WELL, {}
    with pytest.raises(KeyError):
        base.setApplicationStatus("x")


def test_application_statuses_are_reported_as_texts(base):
    assert base.setApplicationStatus(ValueError("its")) is None
    assert base.setApplicationStatus(5, False) is None
    assert base.setApplicationStatus(status="s", sendFlag=0) is None
    assert base.jobReport.calls == [
        ("setApplicationStatus", "its", True), ("setApplicationStatus", "5", False), ("setApplicationStatus", "s", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["workflowStatus", "stepStatus"])
def test_no_application_status_is_reported_after_a_failure(base, name):
    setattr(base, name, FAILED)
    assert base.setApplicationStatus("x") is None
    assert base.log.calls == []
    assert base.setJobParameter("n", 1) is None
    assert base.jobReport.calls == [("setJobParameter", "n", "1", True)]


def test_nothing_is_reported_without_a_job(base):
    base.jobID, base.workflowStatus = 0, {}
    assert base.setApplicationStatus("x") == 0
    assert base.setJobParameter("n", "v") == 0
    assert base.jobReport.calls == []


def test_job_parameters_are_reported_as_texts(base):
    assert base.setJobParameter(1, None) is None
    assert base.setJobParameter(name="n", value=2.5, sendFlag=False) is None
    assert base.jobReport.calls == [("setJobParameter", "1", "None", True), ("setJobParameter", "n", "2.5", False)]


def test_reports_that_are_not_ok_are_only_logged(base):
    base.jobReport = Spy(setApplicationStatus=FAILED, setJobParameter=FAILED)
    base.setApplicationStatus("x")
    base.setJobParameter("n", "v")
    assert [call for call in base.log.calls if call[0] == "warn"] == [
        call for call in base.log.calls if "before" in call
    ]
    assert len([call for call in base.log.calls if "before" in call]) == 2
    base.jobReport = Spy(setApplicationStatus={"OK": False}, setJobParameter=None)
    with pytest.raises(KeyError) as caught:
        base.setApplicationStatus("x")
    assert caught.value.args == ("Message",)
    with pytest.raises(TypeError):
        base.setJobParameter("n", "v")


def test_reports_that_are_ok_are_not_logged(base):
    base.setApplicationStatus("x")
    base.setJobParameter("n", "v")
    assert [call[0] for call in base.log.calls if call[0] != "verbose"] == []


@pytest.mark.parametrize(("job", "enabled"), [(77, True), (0, False), (None, False), ("", False), (-1, True)])
def test_a_module_is_enabled_in_a_job(base, job, enabled):
    base.jobID = job
    assert base._enableModule() is enabled
    assert base._WMSJob() is enabled


def test_a_job_id_that_is_a_text_is_refused_when_it_is_logged(base):
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
    """Make files in the working directory."""
    return lambda *names: [(tmp_path / name).touch() for name in names]


def test_candidates_are_the_outputs_with_their_lfns(base, on_disk):
    on_disk("f_1.txt", "g_2.dst")
    found = base.getCandidateFiles(
        [output("f_1.txt"), output("g_2.dst", "DST")],
        ["/vo/x/f_1.txt", "/vo/g_2.dst", "/vo/y/f_1.txt", "/vo/other"],
        "",
    )
    assert found == {
        "f_1.txt": {"type": "txt", "workflowSE": "SE", "lfn": "/vo/y/f_1.txt"},
        "g_2.dst": {"type": "DST", "workflowSE": "SE", "lfn": "/vo/g_2.dst"},
    }


@pytest.mark.parametrize("key", ["outputDataName", "outputDataType", "outputDataSE"])
def test_outputs_that_lack_something_are_left_out(base, on_disk, key):
    on_disk("f.txt")
    bad = {name: value for name, value in output("bad").items() if name != key}
    found = base.getCandidateFiles([bad, output("f.txt", "old"), output("f.txt")], ["/vo/f.txt"], [])
    assert found == {"f.txt": {"type": "txt", "workflowSE": "SE", "lfn": "/vo/f.txt"}}
    assert "error" in [call[0] for call in base.log.calls]


def test_masks_restrict_the_candidates(base, on_disk):
    on_disk("f_1.txt", "g_2.txt", "h_1.dst")
    outputs = [output("f_1.txt"), output("g_2.txt"), output("h_1.dst", "DST")]
    assert list(base.getCandidateFiles(outputs, ["/vo/f_1.txt"], ["txt"], "1")) == ["f_1.txt"]
    assert list(base.getCandidateFiles(outputs, ["/vo/g_2.txt"], "txt", stepMask=2)) == ["g_2.txt"]
    assert list(base.getCandidateFiles(outputs, ["/vo/h_1.dst"], ["dst"])) == ["h_1.dst"]
    with pytest.raises(OSError, match=r"^$"):
        base.getCandidateFiles([*outputs, output("absent.log", "log")], ["/vo/f_1.txt"], ["txt"], "1")
    with pytest.raises(ValueError, match=r"^$"):
        base.getCandidateFiles(outputs, ["/vo/f_1.txt"], ["txt"])


def test_no_outputs_are_no_candidates(base):
    assert base.getCandidateFiles([], ["/vo/a"], "txt", "1") == {}


FILES = {"f_1.txt": "TXT", "f_2.root": "Root", "g_1_3.txt": "txt", "plain": "TXT", "a.b_4.tar.gz": "gz"}
MASKS = [
    ("", "", list(FILES)), ([""], [""], list(FILES)), ([], [], list(FILES)), (None, None, list(FILES)),
    ("txt", "", ["f_1.txt", "g_1_3.txt", "plain"]), (["txt"], "", ["f_1.txt", "g_1_3.txt", "plain"]),
    ("TXT", "", []), ("txt;root", "", []), (["txt", "root"], None, ["f_1.txt", "f_2.root", "g_1_3.txt", "plain"]),
    (["", "txt"], "", ["f_1.txt", "g_1_3.txt", "plain"]),
    ("", "1", ["f_1.txt"]), ("", 1, ["f_1.txt"]), ("", 3, ["g_1_3.txt"]), ("", ["1", "3"], ["f_1.txt", "g_1_3.txt"]),
    ("", 0, []), ("", "plain", ["plain"]), ("", "4", ["a.b_4.tar.gz"]), ("txt", ["1", "4"], ["f_1.txt"]),
    ("", True, []), (["gz"], 4, ["a.b_4.tar.gz"]),
]  # fmt: skip


@pytest.mark.parametrize(("types", "steps", "kept"), MASKS)
def test_masks_keep_types_and_steps(base, types, steps, kept):
    """A type in lower case against the mask as it is; a step is what stands between the last '_' and the next dot."""
    files = {name: {"type": kind, "more": [1]} for name, kind in FILES.items()}
    found = base._applyMask(files, types, steps)
    assert list(found) == kept
    assert list(files) == list(FILES)
    assert all(found[name] == files[name] and found[name]["more"] is not files[name]["more"] for name in found)


@pytest.mark.parametrize(("types", "steps"), [(("txt",), ""), ("", [1]), ("", (1,)), ([1], "")])
def test_masks_of_other_types_are_refused_when_a_file_is_left_out(base, types, steps):
    with pytest.raises(TypeError):
        base._applyMask({"f_2.root": {"type": "Root"}}, types, steps)


def test_a_mask_of_types_needs_types(base):
    assert base._applyMask({"f_1": {}}, "", "1") == {"f_1": {}}
    with pytest.raises(KeyError):
        base._applyMask({"f_1": {}}, "txt", "")


@given(st.text(alphabet="ab_.", max_size=9))
def test_any_name_has_a_step(name):
    from dirac_failover.module_base import _step_of

    assert _step_of(name) == name.rpartition("_")[2].partition(".")[0]


@pytest.mark.parametrize("key", ["type", "workflowSE", "lfn"])
def test_candidates_that_lack_something_are_refused(base, key):
    whole = {"type": "", "workflowSE": None, "lfn": ""}
    assert base._checkSanity({"a": whole, "b": whole}) is None
    assert base._checkSanity({}) is None
    with pytest.raises(ValueError, match=r"^$") as caught:
        base._checkSanity({"a": whole, "b": {name: value for name, value in whole.items() if name != key}})
    assert caught.value.args == ()


def test_the_log_says_what_is_missing(reference):
    module = reference.ModuleBase(log := Spy())
    for check, argument, missing in (
        (
            module._checkSanity,
            {"a": {"type": "", "lfn": ""}, "b": {"type": ""}},
            [("a", "workflowSE"), ("b", "workflowSE"), ("b", "lfn")],
        ),
        (module._checkLocalExistance, ["a", "."], ["a"]),
    ):
        with pytest.raises((ValueError, OSError)):
            check(argument)
        assert log.calls.pop()[2] == missing


def test_files_must_be_there(base, on_disk):
    on_disk("f")
    assert base._checkLocalExistance(["f", "."]) is None
    assert base._checkLocalExistance([]) is None
    with pytest.raises(OSError, match=r"^$") as caught:
        base._checkLocalExistance(["f", "g"])
    assert caught.value.args == ()


# Fail-over


class Operation:
    """Anything may be added to a request that stands for one."""


class Requests(Spy):
    """A request that counts what is added."""

    def __init__(self, size=0, **answers):
        super().__init__(**answers)
        self.size = size

    def __len__(self):
        return self.size

    def addOperation(self, operation):
        self.calls.append(("addOperation", operation))
        self.size += 1


@pytest.fixture
def pending(kit, base):
    """A module with a real request, which belongs to somebody and has a name."""
    with kit.connect(lambda *_, **__: None, owner="alice", group="vo_user"):
        base.request = kit.Request()
    base.request.RequestName = "job_77_request.xml"
    base.production_id, base.prod_job_id = 12, 34
    base.workflow_commons = {}
    return base


def operation(kit, kind="ForwardDISET", arguments="x"):
    made = kit.Operation()
    made.Type, made.Arguments = kind, arguments
    return made


def written(tmp_path):
    return {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_nothing_pending_writes_nothing(pending, tmp_path):
    assert pending.generateFailoverFile() is None
    assert pending.jobReport.calls == [("generateForwardDISET",)]
    assert written(tmp_path) == {}


def test_what_is_pending_is_written(pending, kit, tmp_path):
    (tmp_path / "12_34_request.json").write_text("a longer text than the request itself " * 50)
    pending.request.addOperation(operation(kit))
    assert pending.generateFailoverFile() is None
    assert written(tmp_path) == {"12_34_request.json": pending.request.toJSON()["Value"]}
    assert [call[0] for call in pending.log.calls if call[0] in {"warn", "error"}] == []


def test_the_job_reports_operation_joins_the_others(pending, kit, tmp_path):
    mine, theirs = operation(kit), operation(kit, arguments="job report")
    pending.request.addOperation(mine)
    pending.jobReport = Spy(generateForwardDISET={"OK": True, "Value": theirs})
    pending.generateFailoverFile()
    assert list(pending.request) == [mine, theirs]
    assert "job report" in written(tmp_path)["12_34_request.json"]


def test_a_job_report_that_is_not_ok_is_only_logged(pending, kit, tmp_path):
    pending.request.addOperation(operation(kit))
    pending.jobReport = Spy(generateForwardDISET=FAILED)
    assert pending.generateFailoverFile() is None
    assert len(pending.request) == 1
    assert list(written(tmp_path)) == ["12_34_request.json"]
    assert "warn" in [call[0] for call in pending.log.calls]


@pytest.mark.parametrize(("answer", "kind"), [(None, TypeError), ({}, KeyError), ({"OK": True}, KeyError)])
def test_a_job_report_that_answers_oddly_is_an_error(pending, answer, kind):
    pending.jobReport = Spy(generateForwardDISET=answer)
    with pytest.raises(kind):
        pending.generateFailoverFile()


def test_accounting_is_committed_after_the_job_report_was_asked_and_before_the_file(pending, kit, tmp_path):
    seen = []

    class Accounting:
        def commit(self):
            seen.append((list(pending.jobReport.calls), written(tmp_path)))
            return {"OK": True}

    pending.request.addOperation(operation(kit))
    pending.workflow_commons["AccountingReport"] = Accounting()
    assert pending.generateFailoverFile() is None
    assert seen == [([("generateForwardDISET",)], {})]
    assert list(written(tmp_path)) == ["12_34_request.json"]


def test_accounting_that_is_not_ok_ends_it_all(pending, kit, tmp_path):
    pending.request.addOperation(operation(kit))
    pending.workflow_commons["AccountingReport"] = Spy(commit=FAILED)
    assert pending.generateFailoverFile() is FAILED
    assert written(tmp_path) == {}


def test_accounting_that_counts_as_false_is_not_there(pending):
    for nothing in (None, 0, []):
        pending.workflow_commons["AccountingReport"] = nothing
        assert pending.generateFailoverFile() is None


def test_an_invalid_request_is_an_error_that_says_why(pending, kit, tmp_path):
    pending.request.addOperation(operation(kit, None))
    with pytest.raises(RuntimeError) as caught:
        pending.generateFailoverFile()
    reason = "Operation #0 in request 'job_77_request.xml' hasn't got Type set"
    assert caught.value.args == (f"Failover request is not valid: {reason}",)
    assert written(tmp_path) == {}


def test_a_request_that_cannot_be_serialised_is_an_error_with_its_text(pending, kit, tmp_path, monkeypatch):
    pending.request.addOperation(operation(kit))
    monkeypatch.setattr(pending.request, "toJSON", lambda: FAILED)
    with pytest.raises(RuntimeError) as caught:
        pending.generateFailoverFile()
    assert caught.value.args == ("before",)
    assert written(tmp_path) == {}


def test_the_file_holds_the_text_of_whatever_the_request_gives(pending, kit, tmp_path, monkeypatch):
    pending.request.addOperation(operation(kit))
    monkeypatch.setattr(pending.request, "toJSON", lambda: {"OK": True, "Value": ["a"]})
    pending.generateFailoverFile()
    assert written(tmp_path) == {"12_34_request.json": "['a']"}


def test_a_digest_that_is_not_ok_is_only_logged(pending, kit, tmp_path, monkeypatch):
    pending.request.addOperation(operation(kit))
    monkeypatch.setattr(pending.request, "getDigest", lambda: FAILED)
    assert pending.generateFailoverFile() is None
    assert "before" in str([call for call in pending.log.calls if call[0] == "error"])
    monkeypatch.setattr(pending.request, "getDigest", lambda: {"OK": False})
    with pytest.raises(KeyError):
        pending.generateFailoverFile()
    assert list(written(tmp_path)) == ["12_34_request.json"]


def test_the_digest_is_logged(pending, kit):
    pending.request.addOperation(operation(kit))
    pending.generateFailoverFile()
    assert "ForwardDISET:ForwardDISET:Waiting:0" in str([call for call in pending.log.calls if call[0] == "info"])


def test_the_number_of_a_task_that_is_a_text_is_refused(pending, kit):
    pending.request.addOperation(operation(kit))
    pending.prod_job_id = "34"
    with pytest.raises(TypeError):
        pending.generateFailoverFile()
