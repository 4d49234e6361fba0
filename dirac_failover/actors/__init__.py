"""The actors after the job: they hand the request over, execute it, and read the state of the services."""
