"""The in-memory DIRAC: fake clients, and services with real state and rules, faults, a journal and a clock."""

from dirac_fakes.answers import AnswerError, Script, answering
from dirac_fakes.clients import FakeDataStoreClient, FakeFileReport, FakeJobReport
from dirac_fakes.clock import Clock
from dirac_fakes.faults import Fault, FaultError
from dirac_fakes.journal import Call, Journal
from dirac_fakes.service import Caller
from dirac_fakes.service_clients import FakeJobStateUpdateClient, FakeReqClient
from dirac_fakes.world import World

__all__ = [
    "AnswerError",
    "Call",
    "Caller",
    "Clock",
    "FakeDataStoreClient",
    "FakeFileReport",
    "FakeJobReport",
    "FakeJobStateUpdateClient",
    "FakeReqClient",
    "Fault",
    "FaultError",
    "Journal",
    "Script",
    "World",
    "answering",
]
