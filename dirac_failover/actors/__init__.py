"""Acts after the job: hands the request over, executes it, and looks at what the services hold."""
