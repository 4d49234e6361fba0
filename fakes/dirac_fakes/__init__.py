"""The in-memory DIRAC: services with real state and rules, faults, a journal and a clock."""

from dirac_fakes.clock import Clock
from dirac_fakes.faults import Fault, FaultError
from dirac_fakes.journal import Call, Journal
from dirac_fakes.service import Caller
from dirac_fakes.world import World

__all__ = ["Call", "Caller", "Clock", "Fault", "FaultError", "Journal", "World"]
