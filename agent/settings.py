"""All that the environment may decide, read once, passed down by hand. Touches no disk."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, StringConstraints, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.errors import SettingsError

APP = "askcircuit"
PREFIX = "ASKCIRCUIT_"


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


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Folder = Annotated[Path, AfterValidator(_usable_folder)]
Address = Annotated[Words, AfterValidator(_http_address)]


class Settings(BaseSettings):
    """Explicit values beat ASKCIRCUIT_… in the environment, which beats these defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    model: Words = Field("embedded", description="subject: embedded, a hub id or a local folder")
    cache_dir: Folder | None = Field(None, description="where converted weights are kept")
    data_dir: Folder | None = Field(None, description="where talks and descriptions are kept")
    transcoders: Words | None = Field(
        None, description="features to trace: folder or hub id of a transcoder set; neurons without"
    )
    nodes: int = Field(1000, ge=10, le=100_000, description="features in an unpruned graph")
    controls: int = Field(99, ge=1, le=9_999, description="matched random controls a test")
    max_tokens: int = Field(512, ge=1, le=32_768, description="longest text that is traced")
    threads: int | None = Field(None, ge=1, le=1_024, description="CPU threads; all by default")
    brain: Literal["rules", "llm", "one-shot", "text-only"] | None = Field(
        None, description="what decides: llm where a server is set, else rules; or a baseline"
    )
    llm_base_url: Address | None = Field(None, description="OpenAI-compatible server of the brain")
    llm_model: Words | None = Field(None, description="name of the brain's model at that server")
    llm_api_key: SecretStr | None = Field(None, description="key for that server; never logged")
    neuronpedia_key: SecretStr | None = Field(
        None,
        description="key for uploads to Neuronpedia; never logged",
        validation_alias=AliasChoices("ASKCIRCUIT_NEURONPEDIA_KEY", "NEURONPEDIA_API_KEY"),
    )
    host: Words = Field("127.0.0.1", description="address the chat listens on")
    port: int = Field(7860, ge=0, le=65_535, description="port of the chat; 0 picks a free one")

    @property
    def cache_folder(self) -> Path:
        """Folder of what can be made again; it may not exist yet."""
        return self.cache_dir or platformdirs.user_cache_path(APP, appauthor=False)

    @property
    def deciding(self) -> str:
        """Which brain decides; raises SettingsError when it is an LLM and no server is set."""
        if self.brain == "llm" and self.llm_base_url is None:
            raise SettingsError(
                "The brain llm needs a server: set ASKCIRCUIT_LLM_BASE_URL, or choose another brain."
            )
        return self.brain or ("llm" if self.llm_base_url else "rules")

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


def _sentence(error: ErrorDetails, given: dict[str, Any]) -> str:
    name = str(error["loc"][0]) if error["loc"] else "?"
    if error["type"] == "extra_forbidden":
        return f"There is no setting {name!r}; there are {', '.join(Settings.model_fields)}."
    source = name if name in given else PREFIX + name.upper()
    secret = Settings.model_fields[name].annotation == SecretStr | None
    value = "the value it has" if secret else repr(error["input"])
    reason = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"The setting {source} cannot be {value}: {reason}."
