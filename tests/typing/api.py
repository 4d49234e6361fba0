"""What users write must type-check: this file is read by mypy and never executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dirac_failover import FailoverRequest, GracefulTermination, JobReport, ModuleBase, Request, connect
from dirac_failover.testing import Dirac, ModuleOutcome, run_job, run_module
from dirac_fakes import FakeFileReport, Journal, answering

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.wire.rpc import Result, Transport


class Upload(ModuleBase):
    """A module of somebody's own, written against the reference."""

    def _execute(self) -> None:
        if not self.workflowStatus["OK"]:
            raise GracefulTermination("Nothing to upload")


def transport(service: str, method: str, args: tuple[Any, ...], *, timeout: int = 600) -> Result:
    """A transport is any function of this shape."""
    return {"OK": True, "Value": (service, method, args, timeout)}


carried: Transport = transport

with connect(transport, owner="someone", group="lhcb_user", options={"/LocalSite/DisableFailover": "no"}):
    report = JobReport(77)
    request = Request()
    result = FailoverRequest().execute()
    ok: bool = result is not None and result["OK"]


def test_upload(dirac: Dirac, run_module: Callable[..., ModuleOutcome]) -> None:
    """A test of somebody's own, with the fixtures of the plug-in."""
    dirac.job_state.down()
    outcome = run_module(Upload, inputs=["/vo/a"])
    file = outcome.file
    assert file is None or file.name.endswith("_request.json")
    dirac.recover()
    assert outcome.replay().converged


types: list[str] = run_module(Upload, world=Dirac(job_id=88), inputs=["/vo/a"], stepName="upload").request.types
lost: list[str] = run_job([Upload, (Upload, {"stepName": "again"})]).replay().lost

fake = FakeFileReport(answers={"commit": ["s_error", "raises=ValueError:boom"], "getFiles": "ok={}"}, journal=Journal())
broken: Request = answering(Request(), answers={"toJSON": "s_error"})
outcome_of_fakes = run_module(Upload, answers={"FileReport.commit": ["s_error"]})
