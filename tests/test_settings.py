"""Settings from the environment and from the command line: what wins, and how bad values are refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.core.errors import AgentError, SettingsError
from agent.core.settings import Settings, read_settings, settings_table


@pytest.fixture(autouse=True)
def _no_settings_of_our_own(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ASKCIRCUIT_{name.upper()}", raising=False)


def test_explicit_beats_the_environment_which_beats_the_default(monkeypatch):
    monkeypatch.setenv("ASKCIRCUIT_PORT", "8000")
    monkeypatch.setenv("ASKCIRCUIT_MODEL", "from/env")
    assert read_settings().port == 8000
    assert read_settings(port=9000).port == 9000
    assert read_settings(port=None, model=None).model == "from/env"
    assert read_settings(model="  given ").model == "given"
    assert read_settings().nodes == 1000


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("ASKCIRCUIT_THREADS", "")
    assert read_settings().threads is None


def test_folders_are_absolute_and_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    chosen = read_settings(data_dir="~/mine")
    assert chosen.data_folder == tmp_path / "home" / "mine"
    assert chosen.cache_folder == tmp_path / "cache" / "askcircuit"
    assert read_settings(cache_dir=Path("here")).cache_folder == Path.cwd() / "here"
    assert list(tmp_path.iterdir()) == []


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        read_settings().port = 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"port": "abc"}, "The setting port cannot be 'abc'"),
        ({"port": 70_000}, "The setting port cannot be 70000"),
        ({"nodes": 0}, "The setting nodes cannot be 0"),
        ({"model": "  "}, "The setting model cannot be '  '"),
        ({"llm_base_url": "localhost:80"}, "such as http://127.0.0.1:8000/v1."),
        ({"llm_base_url": "http://127.0.0.1:99999/v1"}, "out of range"),
        ({"llm_base_url": "http://[::1"}, "The setting llm_base_url cannot be"),
        ({"cache_dir": "~nobody-of-that-name/x"}, "its home folder cannot be found."),
        ({"hosts": "https://example.org"}, "it should be names such as example.org, with commas"),
        ({"hosts": "a.example, b.example:443"}, "without https:// and port"),
        ({"colour": "red"}, "There is no setting 'colour'; there are model, cache_dir"),
    ],
)
def test_a_bad_value_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(SettingsError) as refused:
        read_settings(**given)
    assert sentence in str(refused.value)
    assert isinstance(refused.value, AgentError)
    assert "\n" not in str(refused.value)


def test_a_bad_variable_is_named(monkeypatch):
    monkeypatch.setenv("ASKCIRCUIT_CONTROLS", "many")
    with pytest.raises(SettingsError, match="The setting ASKCIRCUIT_CONTROLS cannot be 'many'"):
        read_settings()


def test_the_key_is_never_shown():
    chosen = read_settings(llm_api_key="sk-very-secret", neuronpedia_key="np-very-secret")
    assert "secret" not in repr(chosen) + str(chosen) + chosen.model_dump_json()
    with pytest.raises(SettingsError) as refused:
        read_settings(llm_api_key=["sk-very-secret"])
    assert "sk-very" not in str(refused.value)


def test_the_documents_have_all_settings():
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert settings_table() in page, "put settings_table() into docs/settings.md"
