"""Who may use the page: names and passwords from the settings, compared in constant time. Keeps nothing."""

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from agent import Settings


def make_login_check(settings: "Settings") -> Callable[[str, str], bool] | None:
    """A check of name and password; None where everybody may enter."""
    pairs = parse_logins(settings.logins)
    if not pairs and settings.token is None:
        return None

    def check(name: str, password: str) -> bool:
        fits = [
            equal_in_constant_time(name, user) & equal_in_constant_time(password, secret)
            for user, secret in pairs
        ]  # all, always
        taken = [
            equal_in_constant_time(name, user) for user, _ in pairs
        ]  # the token opens nobody's own conversations
        return any(fits) | (matches_secret(settings.token, password) & (not any(taken)))

    return check


def parse_logins(logins: SecretStr | None) -> list[tuple[str, str]]:
    """The pairs of a setting that was checked before: "user:password, user:password"."""
    pairs = logins.get_secret_value().split(",") if logins else []
    split = [pair.strip().partition(":") for pair in pairs]
    return [(user, password) for user, _, password in split]


def matches_secret(secret: SecretStr | None, given: str) -> bool:
    """Whether what was given is the secret; nothing is when there is none."""
    return secret is not None and equal_in_constant_time(given, secret.get_secret_value())


def equal_in_constant_time(one: str, other: str) -> bool:
    """Equality that takes as long whatever differs."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
