"""Storage elements in memory, behind the one method of DIRAC's DataManager that the modules call."""

from __future__ import annotations


class Storage:
    """Takes files, except at the storage elements that are full."""

    def __init__(self, *full):
        """Name the storage elements that are full."""
        self.full = full
        self.files = {}

    def putAndRegister(self, lfn, fileName, diracSE):
        """Keep the content of a local file; what fails is in a part of the Value, as in DIRAC."""
        if diracSE in self.full:
            return {"OK": True, "Value": {"Successful": {}, "Failed": {lfn: "No space left"}}}
        with open(fileName) as file:
            self.files[diracSE, lfn] = file.read()
        return {"OK": True, "Value": {"Successful": {lfn: {"put": 0.1}}, "Failed": {}}}
