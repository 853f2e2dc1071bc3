"""Who may use the page: names and passwords from the settings, compared in constant time. Keeps nothing."""

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from agent import Settings


def may_enter(settings: "Settings") -> Callable[[str, str], bool] | None:
    """A check of name and password; None where everybody may enter."""
    pairs = pairs_of(settings.logins)
    if not pairs and settings.token is None:
        return None

    def check(name: str, password: str) -> bool:
        fits = [same(name, user) & same(password, secret) for user, secret in pairs]  # all, always
        taken = [same(name, user) for user, _ in pairs]  # the token opens nobody's own conversations
        return any(fits) | (same_as(settings.token, password) & (not any(taken)))

    return check


def pairs_of(logins: SecretStr | None) -> list[tuple[str, str]]:
    """The pairs of a setting that was checked before: "user:password, user:password"."""
    pairs = logins.get_secret_value().split(",") if logins else []
    split = [pair.strip().partition(":") for pair in pairs]
    return [(user, password) for user, _, password in split]


def same_as(secret: SecretStr | None, given: str) -> bool:
    """Whether what was given is the secret; nothing is when there is none."""
    return secret is not None and same(given, secret.get_secret_value())


def same(one: str, other: str) -> bool:
    """Equality that takes as long whatever differs."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
