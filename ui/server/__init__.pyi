from .gate import (
    LOOPBACK as LOOPBACK,
    Rates as Rates,
    address_of as address_of,
    host_names as host_names,
    int_of as int_of,
    known_host as known_host,
    refused as refused,
    too_many as too_many,
)
from .hosting import (
    PageServer as PageServer,
    Server as Server,
    ended_by_sigterm as ended_by_sigterm,
    finish as finish,
    leave_at_once as leave_at_once,
    stay as stay,
    stay_open as stay_open,
)
from .logins import (
    may_enter as may_enter,
    same_as as same_as,
)
