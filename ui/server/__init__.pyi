from .gate import (
    LOOPBACK as LOOPBACK,
    Rates as Rates,
    address_of as address_of,
    host_names as host_names,
    known_host as known_host,
    parse_int as parse_int,
    rate_refusal as rate_refusal,
    refusal_page as refusal_page,
)
from .hosting import (
    PageServer as PageServer,
    Server as Server,
    end_on_sigterm as end_on_sigterm,
    exit_process as exit_process,
    finish_questions as finish_questions,
    serve_until_signal as serve_until_signal,
    wait_for_signal as wait_for_signal,
)
from .logins import (
    make_login_check as make_login_check,
    matches_secret as matches_secret,
)
