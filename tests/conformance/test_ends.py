"""Whatever a module leaves behind is an observation: every command and fixture gives a verdict."""

import json
import os
import random
from collections import OrderedDict
from types import GeneratorType

import pytest

from dirac_failover.actors.run_report import run
from dirac_failover.conformance.checking import ClauseStats, VerificationPlan, apply_clauses
from dirac_failover.drivers.in_process import InProcessDriver
from dirac_failover.drivers.observe import ATTRIBUTES
from dirac_failover.drivers.resolve import Target
from dirac_failover.reports.terminal import Style
from dirac_failover.reports.timeline import render
from dirac_failover.spec.check_context import CheckContext
from dirac_failover.spec.profiles import PROFILES
from dirac_failover.spec.scenario import Scenario
from dirac_failover.testing import run_module

pytestmark = pytest.mark.ci

ENDS = int(os.environ.get("ENDS", "40"))
"""How many ends of each kind; ``nox -s ends`` makes many more."""
SCRIPTED = dict.fromkeys(("JobReport", "FileReport", "AccountingReport", "Request"), "scripted")
SCENARIOS = (
    Scenario.of_job(inputs=["/vo/a"], faults=["transformation:down"], operations=[{"Type": "RemoveFile"}]),
    Scenario(collaborators=SCRIPTED, operations=({"Type": "RemoveFile"},), unsent_statuses=("half",)),
)


NAMES = ("JobReport", "FileReport", "AccountingReport", "Request")
HELD = {
    "JobReport": ("jobID", "jobStatusInfo", "appStatusInfo", "jobParameters", "statuses", "__class__"),
    "FileReport": ("transformation", "force", "statusDict", "commit"),
    "AccountingReport": ("records", "_DataStoreClient__registersList"),
    "Request": ("RequestName", "JobID", "Owner", "OwnerGroup", "SourceComponent", "toJSON"),
}
FIELDS = ("Type", "Status", "Arguments", "SourceSE", "TargetSE", "Catalog", "Error")


def _raiser(kind):
    def raises(*_, **__):
        raise kind("hostile")

    return raises


SPECIAL = (
    "__repr__", "__str__", "__eq__", "__iter__", "__len__", "__bool__", "__getattr__", "__hash__", "items", "get",
)  # fmt: skip


def hostile(rng):
    """Return an object some of whose special methods raise."""
    base = rng.choice((object, dict, list, str, int, tuple, Exception))
    raises = _raiser(rng.choice((ValueError, TypeError, SystemExit, RecursionError)))
    names = rng.sample(SPECIAL, rng.randint(1, len(SPECIAL)))
    more = {"__class__": property(raises)} if rng.random() < 0.2 else {}
    return type("Hostile", (base,), {**dict.fromkeys(names, raises), **more})()


def cycle(_):
    """Return a list and a dictionary that hold each other."""
    found = []
    found.append({"me": found})
    return found


def deep(_):
    """Return a list that is nested deeper than Python's recursion goes."""
    found = []
    for _ in range(5000):
        found = [found]
    return found


def doubled(_):
    """Return a list that holds itself twice at each level: a tree of 2**40 items."""
    found = ["x"]
    for _ in range(40):
        found = [found, found]
    return found


def endless():
    """Yield forever."""
    while True:
        yield None


VALUES = (
    hostile, hostile, cycle, deep, doubled,
    lambda _: None, lambda _: 5, lambda _: 10**5000, lambda _: float("nan"), lambda _: "", lambda _: "\udcff\x1b[31m",
    lambda _: b"\xff", lambda _: object(), lambda _: [None], lambda _: {None: {}, 1: 2, "a": ()}, lambda _: {1, 2},
    lambda _: "2026-01-01 12:00:00.000001" * 50, lambda _: [(1,), (1, 2, 3)], lambda _: OrderedDict(a=1),
    lambda _: type, lambda _: lambda: None, lambda _: iter(()), lambda _: endless(), lambda _: ValueError("x", {}),
    lambda _: [["half", "2026-01-01"]], lambda rng: {"OK": hostile(rng)}, lambda _: {"OK": False},
)  # fmt: skip


def value(rng):
    """Return a value of any kind."""
    return rng.choice(VALUES)(rng)


def change(rng, module):
    """Change one thing; raises whatever the module's own classes raise about it."""
    commons = module.workflow_commons
    name = rng.choice(NAMES)
    match rng.randrange(8):
        case 0:
            setattr(module, rng.choice((*ATTRIBUTES, "workflow_commons", "step_commons", "log", "execute")), value(rng))
        case 1:
            delattr(module, rng.choice((*ATTRIBUTES, "workflow_commons")))
        case 2:
            commons[name] = value(rng)
        case 3:
            commons[rng.choice((1, None, ("a",), "more", b"x", hostile(rng)))] = value(rng)
        case 4:
            setattr(commons[name], rng.choice(HELD[name]), value(rng))
        case 5:
            commons["Request"].addOperation(value(rng))
        case 6:
            operation, given = commons["Request"][0], value(rng)
            # The operation itself would never end with a generator or a tree that has no end
            setattr(operation, rng.choice(FIELDS), None if isinstance(given, GeneratorType | list) else given)
        case _:
            commons["Request"] = [value(rng) for _ in range(rng.randint(0, 3))]


def end(seed):
    """Return the end that a seed stands for."""
    rng = random.Random(seed)  # noqa: S311 - no secret

    def left(module):
        for _ in range(rng.randint(1, 3)):
            try:
                change(rng, module)
            except (Exception, SystemExit):  # noqa: BLE001, S112 - the module's classes may refuse it
                continue
        result = rng.random()
        if result < 0.1:
            raise ValueError(value(rng))
        return value(rng) if result < 0.5 else {"OK": True, "Value": value(rng)}

    return left


def module_of(implementation, seed):
    """Return a module that ends as the seed has it."""

    class Leaves(implementation.FailoverRequest):
        def execute(self):
            super().execute()
            return end(seed)(self)

    return Leaves


@pytest.mark.filterwarnings("ignore")
def test_every_end_is_judged(reference):
    """The outcome is plain data that travels, and each clause has a verdict."""
    profile = PROFILES["dirac-9.1"]
    clauses = VerificationPlan(Target("reference")).asked()
    for seed in range(ENDS):
        with InProcessDriver(reference, module_of(reference, seed)).session() as port:
            for scenario in SCENARIOS:
                outcome = port.run(scenario)
                json.dumps(outcome).encode("ascii")
                assert outcome == port.run(scenario), seed
                case = CheckContext(scenario, outcome, profile)
                tallies = [(clause, ClauseStats()) for clause in clauses if clause.when(case.facts, profile)]
                apply_clauses(case, tallies)
                assert tallies
                assert all(tally.asked == 1 for _, tally in tallies)


@pytest.mark.filterwarnings("ignore")
def test_every_end_is_shown(reference):
    """It has a printable text and a JSON form."""
    for seed in range(ENDS):
        report = run(reference, SCENARIOS[seed % 2], module_of(reference, seed))
        json.dumps(report.to_json(), allow_nan=False)
        render(report, Style()).encode()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("dirac_workdir")
def test_every_end_is_an_outcome(reference):
    """Of a user's test: it can be replayed, shown, and asked for."""
    for seed in range(ENDS):
        outcome = run_module(module_of(reference, seed), inputs=["/vo/a"], operations=["RemoveFile"], records=1)
        assert repr(outcome).isascii() or repr(outcome).encode()
        assert outcome.ok in (True, False)
        assert isinstance(outcome.message, str)
        repr((outcome.request, outcome.unsent, outcome.statuses, outcome.request.operations))
        repr(outcome.replay())
        outcome.timeline().encode()
