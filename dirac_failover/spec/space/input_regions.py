"""The regions of the space that are about what the workflow hands to a module: whose it is, and the inputs of the job.

The other regions are put together in :mod:`~dirac_failover.spec.space`, which says what a region is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dirac_failover.spec.dimensions import ABSENT, Choices, Dimension, Region, Value, values
from dirac_failover.spec.space.module_regions import ALL_SCRIPTED, FORWARD, HEALTH, WELL_OR_FAILED

# Identity


def _id_values(key: str, attribute: str, number: int) -> tuple[Value, ...]:
    return (
        Value("text", "what the workflow gives: digits with leading zeros"),
        Value("preset", "set on the module: wins",
              {"attributes": {attribute: number}, "workflow_commons": {key: ABSENT}}),
        *values(f"workflow_commons.{key}",
            ("zero", "counts as not set, and stays zero", "0"),
            ("missing", "escapes as KeyError", ABSENT),
            ("malformed", "escapes as ValueError", "12x"),
            ("none", "escapes as TypeError", None)),
    )  # fmt: skip


_ESCAPES: Final = frozenset({"missing", "malformed", "none", "empty"})


def _identified(choices: Choices) -> bool:
    return not any(choices.get(name) in _ESCAPES for name in ("production", "task", "job", "step number"))


BOTH_INPUTS: Final = {"InputData": "/vo/a;/vo/b"}
IDENTITY: Final = Region(
    "identity",
    "the owner of this module, the place of its identity, and the exceptions when it has none",
    {"collaborators": ALL_SCRIPTED, "workflow_commons": BOTH_INPUTS, "operations": (FORWARD,)},
    (
        Dimension("production", "the transformation: goes into file reports and the file's name",
                  _id_values("PRODUCTION_ID", "production_id", 12)),
        Dimension("task", "the transformation's task: goes into the file's name",
                  _id_values("JOB_ID", "prod_job_id", 34),
                  lambda c: c["production"] not in _ESCAPES),
        Dimension("job", "the WMS job: without it the module is disabled", (
            Value("environment", "what a pilot gives"),
            Value("preset", "set on the module: wins over the environment",
                  {"attributes": {"jobID": 78}, "environment": {"JOBID": "55"}}),
            Value("preset alone", "the environment is not needed",
                  {"attributes": {"jobID": 78}, "environment": {"JOBID": ABSENT}}),
            Value("preset text", "a text is a TypeError when it is logged",
                  {"attributes": {"jobID": "78"}, "environment": {"JOBID": ABSENT}}),
            Value("blanks", "int() takes blanks", {"environment": {"JOBID": " 77 "}}),
            Value("absent", "not a job", {"environment": {"JOBID": ABSENT}}),
            Value("zero", "not a job", {"environment": {"JOBID": "0"}}),
            Value("empty", "escapes as ValueError", {"environment": {"JOBID": ""}}),
            Value("malformed", "escapes as ValueError", {"environment": {"JOBID": "x9"}}),
        ), _identified),
        Dimension("step number", "goes into the step's ID", values("attributes",
            ("text", "what the workflow gives"),
            ("preset", "set on the module: wins", {"step_number": 3, "STEP_NUMBER": ABSENT}),
            ("missing", "escapes as AttributeError", {"STEP_NUMBER": ABSENT}),
            ("none", "escapes as TypeError", {"STEP_NUMBER": None}),
            ("malformed", "escapes as ValueError", {"STEP_NUMBER": "one"}),
        ), _identified),
        Dimension("step ID", "made of the three numbers unless it is there", values("attributes.step_id",
            ("derived", "the usual case"), ("preset", "set on the module: wins", "mine"),
        ), _identified),
        replace(HEALTH, when=lambda c: _identified(c) and c["job"] not in {"absent", "zero"}),
    ),
)  # fmt: skip

# Inputs


def _inputs_understood(choices: Choices) -> bool:
    replaced = choices["parametric"] not in {"absent", "none", "empty"}
    bad = choices["parametric"] if replaced else choices["input data"]
    return bad not in {"list of numbers", "number", "object"} and (replaced or bad != "list")


def _step_understood(choices: Choices) -> bool:
    return _inputs_understood(choices) and choices["step input"] not in _BAD_STEP_INPUTS


_BAD_STEP_INPUTS: Final = frozenset({
    "list", "previous incomplete", "previous nameless", "previous without outputs", "previous unknown", "step nameless",
})  # fmt: skip

INPUTS: Final = Region(
    "inputs",
    "which files the job had as input, in every form in which a workflow can say so",
    {"collaborators": ALL_SCRIPTED},
    (
        Dimension("input data", "workflow_commons['InputData']", values("workflow_commons.InputData",
            ("absent", "no input"),
            ("none", "no input", None),
            ("empty", "no input", ""),
            ("semicolon", "no input: made empty", ";"),
            ("one", "the usual case", "/vo/a"),
            ("two", "separated by a semicolon", "/vo/a;/vo/b"),
            ("prefixed", "LFN: is taken off", "LFN:/vo/a;LFN:/vo/b"),
            ("twice prefixed", "as characters, so however often", "LFN:LFN:/vo/a"),
            ("ends in L", "characters are taken off the end too: another file is reported", "/vo/FILE.L;/vo/NFL"),
            ("lower case prefix", "stays", "lfn:/vo/a"),
            ("other prefix", "stays", "PFN:/vo/a"),
            ("only a prefix", "an empty name is reported", "LFN:"),
            ("gaps", "empty parts are left out", "/vo/a;;/vo/b;"),
            ("blanks", "stay", " /vo/a ; /vo/b"),
            ("other characters", "only L, F, N and colons are taken off the ends", "~/vo/a~"),
            ("repeated", "the second one has a status by then, which was asked for before", "/vo/a;/vo/a"),
            ("list", "AttributeError: a list cannot be split", ["/vo/a"]),
            ("number", "AttributeError: a number cannot be split", 5),
            ("object", "AttributeError: an object cannot be split", {"/vo/a": 1}),
        )),
        Dimension("parametric", "workflow_commons['ParametricInputData'] replaces the input data", values(
            "workflow_commons.ParametricInputData",
            ("absent", "the usual case"),
            ("none", "nothing is replaced", None),
            ("empty", "nothing is replaced", ""),
            ("text", "replaces, and loses its last semicolons", "/p;/q~;;"),
            ("semicolon", "becomes no input", ";"),
            ("list", "is joined", ["/p", "LFN:/q"]),
            ("list of numbers", "TypeError: cannot be joined", [1]),
            ("number", "AttributeError: cannot be stripped", 5),
        )),
        Dimension("step input", "step_commons['inputData'] goes before the job's", (
            Value("absent", "the job's own input"),
            Value("empty", "the job's own input", {"step_commons": {"inputData": ""}}),
            Value("text", "is split", {"step_commons": {"inputData": "LFN:/vo/s;~/vo/t~;"}}),
            Value("list", "AttributeError: a list cannot be split", {"step_commons": {"inputData": ["/vo/s"]}}),
            Value("previous step", "the outputs of the step before this one", {
                "step_commons": {"inputData": "previousStep", "inputDataType": "DST"},
                "workflow_commons": {"appSteps": ["sim", "failover"], "outputList": [
                    {"stepName": "sim", "outputDataType": "dst", "outputDataName": "LFNx.dst"},
                    {"stepName": "sim", "outputDataType": "log", "outputDataName": "x.log"},
                    {"stepName": "other"},
                ]}}),
            Value("previous of the first", "the last step", {
                "step_commons": {"inputData": "previousStep", "inputDataType": "dst"},
                "workflow_commons": {"appSteps": ["failover", "merge"], "outputList": [
                    {"stepName": "merge", "outputDataType": "DST", "outputDataName": "m.dst"}]}}),
            *(Value(f"previous {name}", reason, {
                "step_commons": {"inputData": "previousStep"},
                "workflow_commons": {"appSteps": ["sim", "failover"]} | outputs,
            }) for name, reason, outputs in (
                ("incomplete", "RuntimeError: an output of that step without type",
                 {"outputList": [{"stepName": "sim"}]}),
                ("nameless", "RuntimeError: an output without step", {"outputList": [{"outputDataType": "dst"}]}),
                ("without outputs", "KeyError", {}),
                ("unknown", "ValueError: this step is not among the steps", {"appSteps": ["sim"]}),
            )),
            Value("step nameless", "KeyError: the step's name must be there",
                  {"step_commons": {"STEP_INSTANCE_NAME": ABSENT}}),
        ), _inputs_understood),
        Dimension("application", "what else the step says of itself", (
            Value("absent", "Unknown, and the default log"),
            Value("given", "is taken over", {
                "step_commons": {"applicationName": "Gauss", "applicationVersion": "v1", "executable": "gauss",
                                 "logFile": "g.log", "inputDataType": "SIM"},
                "workflow_commons": {"JobType": "merge", "outputDataFileMask": "TXT; Root "}}),
            Value("log twice", "applicationLog goes before logFile; a mask that is a list stays as it is", {
                "step_commons": {"applicationLog": "a.log", "logFile": "g.log"},
                "workflow_commons": {"outputDataFileMask": ["TXT"]}}),
        ), _inputs_understood),
        Dimension("reported", "statuses that earlier modules gave", values("reported",
            ("none", "each input gets one"),
            ("one", "it is kept", {"/vo/a": "Problematic"}),
            ("all", "nothing is added",
             {"/vo/a": "Problematic", "/vo/b": "Processed", "/p": "Unused", "/q": "Unused"}),
        ), _step_understood),
        WELL_OR_FAILED,
    ),
)  # fmt: skip
