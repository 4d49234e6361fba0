"""Every string that leaves the process: statuses, operation types, service names, keys, options.

These are DIRAC's, and other programs read them. Change one only when DIRAC changes it, and run
``nox -s differential`` afterwards. A text for people (a log line, an error message of ours) does not belong here.
"""

from typing import Final

# Services, as ``System/Service``
JOB_STATE: Final = "WorkloadManagement/JobStateUpdate"
TRANSFORMATION: Final = "Transformation/TransformationManager"
DATA_STORE: Final = "Accounting/DataStore"
REQ_MANAGER: Final = "RequestManagement/ReqManager"
REQ_PROXY: Final = "RequestManagement/ReqProxy"

# Configuration options, as DIRAC's configuration has them
OPTION_DISABLE_FAILOVER: Final = "/LocalSite/DisableFailover"
OPTION_DISABLE_ACCOUNTING: Final = "/LocalSite/DisableAccounting"
OPTION_MAX_RESET: Final = "Transformations/FilesMaxResetCounter"
OPTION_REQUEST_PROXIES: Final = "RequestManagement/ReqProxyURLs"

# Operation types
FORWARD_DISET: Final = "ForwardDISET"
SET_FILE_STATUS: Final = "SetFileStatus"

# Statuses of requests, operations and their files
WAITING: Final = "Waiting"
QUEUED: Final = "Queued"
SCHEDULED: Final = "Scheduled"
ASSIGNED: Final = "Assigned"
DONE: Final = "Done"
FAILED: Final = "Failed"
CANCELED: Final = "Canceled"

# Statuses of a transformation's files
UNUSED: Final = "Unused"
PROCESSED: Final = "Processed"
MAX_RESET: Final = "MaxReset"

# Application statuses that FailoverRequest reports
JOB_FINISHED: Final = "Job Finished Successfully"
FAILOVER_SKIPPED: Final = "Skipping FailoverRequest module"
FAILOVER_FINISHED: Final = "Workflow successful, end of FailoverRequest module execution."
FAILOVER_FAILED: Final = "Workflow failed, FailoverRequest module completed"

# Environment and workflow_commons
ENV_JOB_ID: Final = "JOBID"
COMMONS_JOB_REPORT: Final = "JobReport"
COMMONS_FILE_REPORT: Final = "FileReport"
COMMONS_ACCOUNTING: Final = "AccountingReport"
COMMONS_REQUEST: Final = "Request"
