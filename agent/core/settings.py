"""All that the environment may decide, read once, passed down by hand. Touches no disk."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, StringConstraints, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.core.errors import SettingsError

APP = "askcircuit"
PREFIX = "ASKCIRCUIT_"
LONGEST_TEXT = 40_000  # characters that are looked at at all; max_tokens bounds what the model reads
OWN_MACHINE = ("127.0.0.1", "localhost", "::1")
SITE_PATTERN = re.compile(r"https?://(?:\*\.)?[\w.-]+(?::\d+)?")
HOST_NAME_PATTERN = re.compile(
    r"[\w.-]+|[\da-fA-F:]*:[\da-fA-F:]*:[\da-fA-F:.]*"
)  # of a machine, or an IPv6 address


def _usable_folder(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as exc:  # "~nobody/x": there is no such home
        raise ValueError("its home folder cannot be found") from exc


def _http_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:  # port may raise
        raise ValueError("it should be an address such as http://127.0.0.1:8000/v1")
    return url


def _login_pairs(logins: SecretStr) -> SecretStr:
    for pair in logins.get_secret_value().split(","):
        user, colon, password = pair.strip().partition(":")
        if not (user and colon and password):
            raise ValueError("it should be user:password, or several of them with commas")
    return logins


def _not_empty(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().strip()) < 8:
        raise ValueError("it should have at least 8 characters")
    return secret


def _host_names(names: str) -> str:
    for name in names.split(","):
        if not HOST_NAME_PATTERN.fullmatch(name.strip()):
            raise ValueError("it should be names such as example.org, with commas, without https:// and port")
    return names


def _frame_sources(sites: str) -> str:
    for site in sites.split():
        if not SITE_PATTERN.fullmatch(site):
            raise ValueError("it should be addresses such as https://example.org, with spaces between")
    return " ".join(sites.split())


NonEmptyText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Folder = Annotated[Path, AfterValidator(_usable_folder)]
Logins = Annotated[SecretStr, AfterValidator(_login_pairs)]
Token = Annotated[SecretStr, AfterValidator(_not_empty)]
HostNames = Annotated[NonEmptyText, AfterValidator(_host_names)]
FrameSources = Annotated[NonEmptyText, AfterValidator(_frame_sources)]
Address = Annotated[NonEmptyText, AfterValidator(_http_address)]


class Settings(BaseSettings):
    """Explicit values beat ASKCIRCUIT_… in the environment, which beats these defaults."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", populate_by_name=True
    )

    model: NonEmptyText = Field("embedded", description="subject: embedded, a hub id or a local folder")
    cache_dir: Folder | None = Field(None, description="where converted weights are kept")
    data_dir: Folder | None = Field(None, description="where talks and descriptions are kept")
    transcoders: NonEmptyText | None = Field(
        None, description="features to trace: folder or hub id of a transcoder set; neurons without"
    )
    nodes: int = Field(1000, ge=10, le=100_000, description="features in an unpruned graph")
    controls: int = Field(99, ge=1, le=9_999, description="matched random controls a test")
    max_actions: int = Field(60, ge=1, le=1_000, description="most actions a question may take")
    answer_within: float = Field(
        600.0, gt=0, le=86_400, description="seconds after which a question is answered with what there is"
    )
    max_passes: int = Field(20_000, ge=1, le=10**7, description="most forward passes a question may take")
    ask_more: bool | None = Field(
        None, description="ask before a question takes more than that; no where others may use the page"
    )
    max_tokens: int = Field(4096, ge=1, le=32_768, description="longest text that is taken")
    window: int = Field(
        512, ge=1, le=32_768, description="tokens of a longer text that are looked at, its last ones"
    )
    threads: int | None = Field(None, ge=1, le=1_024, description="CPU threads; all by default")
    brain: Literal["rules", "llm", "one-shot", "text-only"] | None = Field(
        None, description="what decides: llm where a server is set, else rules; or a baseline"
    )
    llm_base_url: Address | None = Field(None, description="OpenAI-compatible server of the brain")
    llm_model: NonEmptyText | None = Field(None, description="name of the brain's model at that server")
    llm_price: float | None = Field(None, ge=0, le=1e6, description="its price, dollars a million tokens")
    llm_dollars: float | None = Field(None, gt=0, le=1e6, description="dollars a question may cost")
    llm_api_key: SecretStr | None = Field(None, description="key for that server; never logged")
    neuronpedia_key: SecretStr | None = Field(
        None,
        description="key for uploads to Neuronpedia; never logged",
        validation_alias=AliasChoices("ASKCIRCUIT_NEURONPEDIA_KEY", "NEURONPEDIA_API_KEY"),
    )
    chroma_url: Address | None = Field(None, description="Chroma server for the feature index")
    host: NonEmptyText = Field("127.0.0.1", description="address the chat listens on")
    port: int = Field(7860, ge=0, le=65_535, description="port of the chat; 0 picks a free one")
    # The rest is for a host who serves strangers.
    read_only: bool = Field(False, description="show the gallery, answer no questions, load no model")
    max_seconds: int | None = Field(
        None, ge=1, le=86_400, description="longest time for one question; none by default"
    )
    max_waiting: int = Field(32, ge=1, le=10_000, description="questions that may wait for their turn")
    visitor_open: int = Field(
        1, ge=1, le=1_000, description="questions of one browser that may wait or run at a time"
    )
    visitor_rate: int = Field(30, ge=1, le=100_000, description="questions a minute from one browser")
    address_rate: int = Field(120, ge=1, le=100_000, description="questions a minute from one address")
    proxies: int = Field(
        0, ge=0, le=10, description="proxies in front, whose X-Forwarded-For is believed; 0: none is"
    )
    hosts: HostNames | None = Field(
        None, description="names the server is called by, with commas; others are refused"
    )
    embed_in: FrameSources | None = Field(
        None, description="sites that may show the page in a frame, with spaces"
    )
    logins: Logins | None = Field(
        None, description="user:password pairs with commas that may use the page; never logged"
    )
    token: Token | None = Field(
        None, description="password of any user of the page, and bearer token of the MCP server; never logged"
    )
    stop_seconds: int = Field(
        20, ge=0, le=3_600, description="how long a running question may go on when the server is stopped"
    )
    keep_days: int | None = Field(
        None, ge=1, le=36_500, description="days after which conversations are deleted; none by default"
    )

    @property
    def cache_folder(self) -> Path:
        """Folder of what can be made again; it may not exist yet."""
        return self.cache_dir or platformdirs.user_cache_path(APP, appauthor=False)

    @property
    def planner_name(self) -> str:
        """Which planner decides; raises SettingsError when it is an LLM and no server is set."""
        if self.brain == "llm" and self.llm_base_url is None:
            raise SettingsError(
                "The brain llm needs a server: set ASKCIRCUIT_LLM_BASE_URL, or choose another brain."
            )
        return self.brain or ("llm" if self.llm_base_url else "rules")

    @property
    def asks_for_more(self) -> bool:
        """Whether who asks may allow a question more than these: on their own machine, unless it is set."""
        alone = self.host in OWN_MACHINE and not (self.hosts or self.proxies or self.logins)
        return alone if self.ask_more is None else self.ask_more

    @property
    def data_folder(self) -> Path:
        """Folder of what is the user's own; it may not exist yet."""
        return self.data_dir or platformdirs.user_data_path(APP, appauthor=False)


def read_settings(**explicit: Any) -> Settings:
    """Settings from the environment and `explicit` (None = not given), or one SettingsError."""
    given = {name: value for name, value in explicit.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as exc:
        raise SettingsError(" ".join(_sentence(error, given) for error in exc.errors())) from exc


def settings_table() -> str:
    """All settings as a markdown table: the variable, its default, what it is."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`".replace("`False`", "`false`")
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def _sentence(error: ErrorDetails, given: dict[str, Any]) -> str:
    name = str(error["loc"][0]) if error["loc"] else "?"
    if error["type"] == "extra_forbidden":
        return f"There is no setting {name!r}; there are {', '.join(Settings.model_fields)}."
    source = name if name in given else PREFIX + name.upper()
    secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    value = "the value it has" if secret else repr(error["input"])
    reason = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"The setting {source} cannot be {value}: {reason}."
