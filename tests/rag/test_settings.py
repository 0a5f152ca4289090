"""Settings: where they come from, what a mistake is told, and that their pages list them all."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_core import PydanticUndefined

from rag.domain import GroundingPolicy
from rag.errors import SettingsError
from rag.llm.named import spec_of
from rag.settings import PREFIX, Settings, load_settings

HOUSE = Path(__file__).parents[2]


def rows_of_the_page() -> Iterator[tuple[str, str, str]]:
    """``(name, default, meaning)`` of every row of ``docs/settings.md``."""
    page = (HOUSE / "docs" / "settings.md").read_text(encoding="utf-8")
    yield from re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)


def shown_default(name: str) -> str:
    """A default as the page writes it."""
    default = Settings.model_fields[name].default
    assert default is not PydanticUndefined
    if name == "data_dir":
        return "`~/.footnote`"
    if default is None:
        return "unset"
    if default == ():
        return "`[]`"
    return f"`{default}`"


# ------------------------------------------------------------------------------------ the sources


def test_without_anything_set_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.k, settings.llm, settings.api_key) == (8, "extractive", None)
    assert settings.data_dir == tmp_path / "data"  # from the environment of these tests
    assert settings.sqlalchemy_url == f"sqlite:///{tmp_path / 'data' / 'catalog.sqlite3'}"


def test_arguments_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "footnote.toml").write_text('k = 3\nllm = "openai:a"\ncollection = "from-file"\n')
    monkeypatch.setenv("FOOTNOTE_K", "4")
    monkeypatch.setenv("FOOTNOTE_LLM", "openai:b")
    settings = load_settings(k=5, llm=None)
    assert (settings.k, settings.llm, settings.collection) == (5, "openai:b", "from-file")


def test_a_file_elsewhere_is_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('grounding_policy = "drop"\nallowed_roots = ["/srv/a", "/srv/b"]\n')
    monkeypatch.setenv("FOOTNOTE_CONFIG", str(tmp_path / "other.toml"))
    settings = load_settings()
    assert settings.grounding_policy is GroundingPolicy.DROP
    assert settings.allowed_roots == (Path("/srv/a"), Path("/srv/b"))


def test_lists_come_as_json_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_ALLOWED_ROOTS", '["/srv/handbook"]')
    assert load_settings().allowed_roots == (Path("/srv/handbook"),)


def test_the_data_folder_is_absolute_and_knows_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(data_dir="~/x").data_dir == tmp_path / "x"
    assert load_settings(data_dir="x").data_dir == tmp_path / "x"


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.k = 3  # type: ignore[misc]


# ----------------------------------------------------------------------------------- the mistakes


def test_a_misspelt_variable_is_refused_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_DATADIR", "x")
    with pytest.raises(SettingsError, match="FOOTNOTE_DATADIR: did you mean FOOTNOTE_DATA_DIR"):
        load_settings()


def test_an_unknown_variable_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_ZZZ", "x")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert all(PREFIX + name.upper() in str(refused.value) for name in Settings.model_fields)


def test_an_unknown_key_in_the_file_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "footnote.toml").write_text("speed = 3\n")
    with pytest.raises(SettingsError, match="'speed'; known are data_dir, "):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("K", "0", "'k': .*got '0'"),
        ("K", "many", "'k': .*got 'many'"),
        ("DEVICE", "tpu", "'device': .*got 'tpu'"),
        ("DENSE_WEIGHT", "1.5", "'dense_weight': .*got '1.5'"),
        ("GROUNDING_POLICY", "hope", "'grounding_policy': .*'annotate'.*got 'hope'"),
        ("ALLOWED_ROOTS", "/srv", "allowed_roots"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError, match=told):
        load_settings()


def test_a_file_that_is_not_there_or_not_toml_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load_settings()
    (tmp_path / "nowhere.toml").write_text("k = = 3")
    with pytest.raises(SettingsError, match="could not be read"):
        load_settings()


def test_secrets_are_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_API_KEY", "s3cret-one")
    monkeypatch.setenv("FOOTNOTE_LLM_API_KEY", "s3cret-two")
    settings = load_settings()
    assert settings.api_key == SecretStr("s3cret-one")
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "s3cret" not in shown
    monkeypatch.delenv("FOOTNOTE_API_KEY")
    (tmp_path / "footnote.toml").write_text('api_key = ["s3cret-three"]\n')
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "s3cret" not in str(refused.value)


# -------------------------------------------------------------------------------------- the pages


def test_the_page_has_a_row_for_every_setting_with_its_default_and_meaning() -> None:
    expected = [
        (name, shown_default(name), field.description) for name, field in Settings.model_fields.items()
    ]
    assert list(rows_of_the_page()) == expected


def test_the_example_file_lists_every_variable_commented_out_and_can_be_used() -> None:
    lines = (HOUSE / ".env.example").read_text(encoding="utf-8").splitlines()
    variables = [line for line in lines if line.startswith("# FOOTNOTE_")]
    assert [line.split("=")[0].removeprefix("# ") for line in variables] == [
        PREFIX + name.upper() for name in Settings.model_fields
    ]
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_example_file_s_values_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (HOUSE / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith("# FOOTNOTE_"):
            variable, value = line.removeprefix("# ").split("=", 1)
            monkeypatch.setenv(variable, value)
    assert load_settings().llm == "openai:gpt-5-mini"


# ------------------------------------------------------------------------------ named language models


FAST = '{"fast": {"model": "openai:llama3.2", "base_url": "http://127.0.0.1:11434/v1", "api_key": "s3cret"}}'


def test_language_models_are_named_in_a_variable_or_in_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "footnote.toml").write_text(
        'llm = "fast"\nllm_fallbacks = ["spare"]\n'
        '[llms.fast]\nmodel = "openai:a"\ntimeout_s = 20\n[llms.spare]\nmodel = "anthropic:b"\n'
    )
    settings = load_settings()
    fast, spare = spec_of("fast", settings), spec_of("spare", settings)
    assert (fast.name, fast.model, fast.timeout_s, spare.timeout_s) == ("fast", "openai:a", 20, 60)
    monkeypatch.setenv("FOOTNOTE_LLMS", FAST)
    fast = spec_of("fast", load_settings(llm_fallbacks=[]))
    assert (fast.base_url, fast.api_key) == ("http://127.0.0.1:11434/v1", "s3cret")


def test_an_address_and_its_key_go_to_the_provider_they_were_given_for() -> None:
    settings = load_settings(
        llm="openai:a",
        llm_base_url="http://127.0.0.1:1/v1",
        llm_api_key="k",
        llms={"other": {"model": "openai:c"}},
    )
    assert spec_of("openai:b", settings).api_key == "k"
    for name in ("mistralai:b", "other"):
        spec = spec_of(name, settings)
        assert (spec.base_url, spec.api_key) == (None, None)
    assert spec_of("mistralai:b", load_settings(llm_api_key="k")).api_key == "k"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"llms": {"fast": {}}}, r"'llms\.fast\.model'"),
        ({"llms": {"fast": {"model": "gpt"}}}, r"'llms\.fast\.model'.*provider:model"),
        (
            {"llms": {"fast": {"model": "openai:a", "url": "x"}}},
            r"'llms\.fast\.url'; known are model, base_url",
        ),
        ({"llms": {"extractive": {"model": "openai:a"}}}, r"llms\.extractive.*taken"),
        ({"llms": {"a:b": {"model": "openai:a"}}}, "without a colon"),
        ({"llm": "fats", "llms": {"fast": {"model": "openai:a"}}}, "'llm'.*'fats'.*did you mean fast"),
        ({"llm_fallbacks": ["spare"]}, "'llm_fallbacks'.*'spare'.*none"),
    ],
)
def test_a_mistake_in_a_language_model_is_named_by_its_key(overrides: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings(**overrides)


@pytest.mark.parametrize(
    "malformed",
    [
        FAST.replace("model", "modell"),
        FAST.replace('"openai:llama3.2"', "3"),
        '{"fast": "s3cret"}',
        '{"fast": {"model": "openai:a", "options": "s3cret"}}',
        '{"fast": {"model": "openai:a", "base_url": ["http://me:s3cret@host"]}}',
        '["s3cret"]',
        "s3cret",
    ],
)
def test_a_mistake_beside_a_secret_does_not_print_it(monkeypatch: pytest.MonkeyPatch, malformed: str) -> None:
    monkeypatch.setenv("FOOTNOTE_LLMS", malformed)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    told = "".join(traceback.format_exception(refused.value))  # as the log has it at level DEBUG
    assert "llms" in str(refused.value)
    assert "s3cret" not in told.replace(repr(malformed), "")


def test_a_named_language_model_s_secrets_are_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LLMS", FAST.replace("http://", "http://me:s3cret@"))
    settings = load_settings()
    shown = (repr(settings), str(settings.llms), repr(settings.llms["fast"]), repr(spec_of("fast", settings)))
    assert [text for text in shown if "s3cret" in text] == []
