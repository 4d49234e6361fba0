"""The fakes answer as the real services do, and leave the same: generated sequences of calls on both."""

from __future__ import annotations

import os
from itertools import islice

import pytest

from dirac_fakes.faults import SERVICES as FAKES
from tests.live import calls, pointed, recorded
from tests.live.comparing import THE_SAME, compare, smallest
from tests.live.differences import explained

SEQUENCES = {
    "WorkloadManagement/JobStateUpdate": calls.JOB_SEQUENCES,
    "Transformation/TransformationManager": calls.FILE_SEQUENCES,
    "Accounting/DataStore": calls.RECORD_SEQUENCES,
    "RequestManagement/ReqManager": calls.REQUEST_SEQUENCES,
    "RequestManagement/ReqProxy": calls.PROXY_SEQUENCES,
}
COUNT = int(os.environ.get("SEQUENCES", "400"))


@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize("service", SEQUENCES)
def test_a_fake_answers_as_the_real_service_does(service, record_property):
    """Any sequence of calls gets the same answers and leaves the same state, whatever is known to differ."""
    from tests.live.worlds import comparisons

    _compare(comparisons(), service, COUNT, record_property)


@pytest.mark.parametrize("service", [service for service in SEQUENCES if service != "RequestManagement/ReqProxy"])
def test_a_fake_answers_as_the_real_service_without_strict_mode(grid, service, record_property):
    """The same holds of databases that cut off what does not fit; a request proxy has none."""
    from tests.live.worlds import comparisons

    _compare(comparisons(strict=False), service, COUNT // 4, record_property, ", not strict")


@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize("service", SEQUENCES)
def test_one_odd_value_is_taken_as_by_the_real_service(service, record_property):
    """Each odd value in each place of a sensible call of each method; in a check of a change, one in ten."""
    from tests.live.worlds import comparisons

    odd = islice(calls.odd_ones(service), 0, None, 1 if COUNT > THE_SAME else 10)
    _compare(comparisons(), service, COUNT, record_property, ", one odd value each", sequences=odd)


@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize(("service", "strict"), recorded.KINDS)
def test_each_rule_is_the_real_services(service, strict, record_property):
    """Calls that are pointed at one rule each."""
    from tests.live.worlds import comparisons

    how = ", pointed at one rule each" + ("" if strict else ", not strict")
    _compare(comparisons(strict=strict), service, COUNT, record_property, how, sequences=pointed.SEQUENCES[service])


def _compare(all_of_them, service, count, record_property, how="", sequences=None):
    tally = compare(all_of_them[service], sequences or SEQUENCES[service], count, explained)
    record_property("live", f"{tally}{how}")
    shown = [f"{len(some)} times: {smallest(some)}" for some in tally.unexplained.values()]
    assert not shown, "\n".join([str(tally), *shown])


def test_every_method_of_the_real_services_is_known(grid):
    """What the real handlers export is faked or said not to be; nothing else is."""
    from tests.live import handlers

    common = {"ping", "whoami", "echo", "refreshConfiguration"}
    for real in handlers.SERVICES:
        (fake,) = [service for service in FAKES.values() if service.full == real.service]
        exported = {name[7:] for name in dir(real) if name.startswith("export_")} - common
        assert exported == fake.faked | fake.not_faked, real.service
        assert not fake.faked & fake.not_faked


def test_arguments_have_the_types_that_the_real_services_want(grid):
    """Those that a server of DIPS checks."""
    from tests.live import handlers

    for real in (handlers.DataStore, handlers.ReqProxy):
        (fake,) = [service for service in FAKES.values() if service.full == real.service]
        for method in fake.faked:
            assert fake.types.get(method, ()) == tuple(getattr(real, f"types_{method}")), method
