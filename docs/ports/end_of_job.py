"""The end of a job as a chain of three commands; each is given the path of a JSON file, and makes its own clients.

As classes, they are the port ``end_of_job:EndOfJob``; as programs, that of ``end_of_job.toml``.
"""

import json
import os
import sys
from datetime import datetime

from dirac_failover import DataStoreClient, FileReport, JobReport, Operation, Request, connect
from dirac_failover.wire.https import HttpsTransport
from dirac_fakes.faults import SHORT


class Command:
    """Reads what the job's file says, acts, and writes what it says now."""

    def execute(self, path):
        """Take what the file says one step further."""
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        if state["job"]:  # without one, the workflow is tried by hand
            self.act(state)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)

    def act(self, state):
        raise NotImplementedError

    def keep(self, state, result):
        """Put the operation that a client answers with, if any, into the request that the file holds."""
        if result["OK"] and isinstance(result["Value"], Operation):
            request = Request(state["request"])
            request.addOperation(result["Value"])
            state["request"] = json.loads(request.toJSON()["Value"])


class ReportFiles(Command):
    """Gives each input file a status."""

    def act(self, state):
        report = FileReport()
        status = "Processed" if state["ok"] else "Unused"
        for lfn, known in {**dict.fromkeys(state["inputs"], status), **state["reported"]}.items():
            report.setFileStatus(state["transformation"], lfn, known)
        if not report.commit()["OK"]:
            self.keep(state, report.generateForwardDISET())


class ReportJob(Command):
    """Sends the statuses, parameters and accounting records of the job."""

    def act(self, state):
        report = JobReport(state["job"])
        report.setJobParameters(list(state["parameters"].items()), sendFlag=False)
        for status in state["statuses"]:
            report.setApplicationStatus(status, sendFlag=False)
        report.setApplicationStatus("Job finished" if state["ok"] else "Job failed")
        report.sendStoredJobParameters()
        self.keep(state, report.generateForwardDISET())
        accounting = DataStoreClient()
        for record in state["records"]:
            accounting.addRegister(Registered(record))
        accounting.commit()


class BaseAccountingType:
    """The name that accounting clients look for among the ancestors of a record."""


class Registered(BaseAccountingType):
    """An accounting record of the file: type, start, end, values."""

    def __init__(self, record):
        self.kind, start, end, self.values = record
        self.times = [datetime.fromisoformat(start), datetime.fromisoformat(end)]

    def checkValues(self):
        return {"OK": True, "Value": None}

    def getValues(self):
        return [self.kind, *self.times, self.values]


class WriteRequest(Command):
    """Writes what is pending into the file that the job wrapper takes."""

    def act(self, state):
        request = Request(state["request"])
        if len(request):
            request.RequestName, request.JobID = f"job_{state['job']}_request.xml", state["job"]
            with open(f"{state['transformation']}_{state['task']}_request.json", "w", encoding="utf-8") as file:
                file.write(request.toJSON()["Value"])


class EndOfJob:
    """The chain: dirac-failover verify end_of_job:EndOfJob."""

    shape = "commands"
    commands = (ReportFiles, ReportJob, WriteRequest)


if __name__ == "__main__":
    name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as given:
        owner, group = map(json.load(given)["request"].get, ("Owner", "OwnerGroup"))
    url = os.environ["DIRAC_FAILOVER_SERVICES"]
    transport = HttpsTransport({service: [f"{url}/{service}"] for service in SHORT})
    with transport, connect(transport, owner=owner, group=group, sleep=lambda _: None):
        globals()[name]().execute(path)
