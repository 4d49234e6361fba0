"""The signatures of the methods that modules and workflows call, on the reference and on the real DIRAC."""

import inspect
import re

import pytest

SIGNATURES = {
    "DataStoreClient": """
        __init__(self, retryGraceTime=0, **kwargs)
        addRegister(self, register)
    """,
    "ReqClient": """
        __init__(self, url=None, **kwargs)
        putRequest(self, request, useFailoverProxy=True, retryMainService=0)
        getRequest(self, requestID=0)
        peekRequest(self, requestID)
    """,
    "TransformationClient": """
        getTransformationFiles(self, condDict=None, older=None, newer=None, timeStamp=None, orderAttribute=None, \
limit=None, timeout=1800, offset=0, maxfiles=None, columns=None)
        setFileStatusForTransformation(self, transName, newLFNsStatus=None, lfns=None, force=False)
        _wasFileInError(self, newStatus, currentStatus)
        _applyTransformationFilesStateMachine(self, tsFilesAsDict, dictOfProposedLFNsStatus, force)
    """,
    "FileReport": """
        __init__(self, server='Transformation/TransformationManager')
        setFileStatus(self, transformation, lfn, status, sendFlag=False)
        setCommonStatus(self, status)
    """,
    "JobReport": """
        __init__(self, jobid, source='')
        setJob(self, jobID)
        setJobStatus(self, status='', minorStatus='', applicationStatus='', sendFlag=True)
        setApplicationStatus(self, appStatus, sendFlag=True)
        setJobParameter(self, par_name, par_value, sendFlag=True)
        setJobParameters(self, parameters, sendFlag=True)
    """,
    "ModuleBase": """
        __init__(self, loggerIn=None); execute(self); _resolveInputVariables(self); _initialize(self)
        _setCommand(self); _executeCommand(self); _execute(self); _finalize(self, status=''); finalize(self)
        _resolveInputWorkflow(self); _resolveInputStep(self); _determineStepInputData(self, inputData)
        _getJobReporter(self); _getFileReporter(self); _getRequestContainer(self)
        setApplicationStatus(self, status, sendFlag=True); setJobParameter(self, name, value, sendFlag=True)
        getCandidateFiles(self, outputList, outputLFNs, fileMask, stepMask='')
        _applyMask(self, candidateFilesIn, fileMask, stepMask); _checkSanity(self, candidateFiles)
        _checkLocalExistance(self, fileList); _enableModule(self); _WMSJob(self)
        _checkWFAndStepStatus(self, noPrint=False); generateFailoverFile(self)
    """,
}
"""The methods of each class, one a line, or with semicolons between them."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_the_same_in_both(implementation, name):
    for line in re.split(r"[;\n]", SIGNATURES[name].strip()):
        method = line.strip().partition("(")[0]
        signature = inspect.signature(getattr(getattr(implementation, name), method))
        plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
        assert f"{method}{inspect.Signature(plain)}" == line.strip()
