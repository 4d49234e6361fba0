"""The clients through which modules report: each keeps its reports, and talks to one service by :mod:`..wire.rpc`.

Names, arguments and answers are DIRAC's (9.1). A report that a service did not take stays with its client, or becomes
an :class:`~dirac_failover.request.operation.Operation` that can be replayed later.
"""
