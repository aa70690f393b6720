"""Settings: where they come from, what wins, and what is said of a wrong one."""

from __future__ import annotations

import math
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

import turnout
from turnout import config
from turnout.config import Settings, load, template
from turnout.errors import ConfigError


@pytest.fixture
def user_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the user's own settings would be; nothing is there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = config.user_file()
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def here() -> Path:
    """`turnout.toml` of the working folder."""
    return Path.cwd() / "turnout.toml"


# -- where settings come from --------------------------------------------------------------


def test_without_any_file_the_defaults_are_in_force(user_file: Path) -> None:
    assert load() == Settings()
    assert load().quality == 0.92
    assert load().ladder == "claude"


def test_the_users_file_is_read(user_file: Path) -> None:
    user_file.write_text("quality = 0.8")
    assert load().quality == 0.8


def test_turnout_config_names_the_file_instead(
    user_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file.write_text("quality = 0.8")
    other = tmp_path / "other.toml"
    other.write_text("quality = 0.7")
    monkeypatch.setenv("TURNOUT_CONFIG", str(other))
    assert load().quality == 0.7


def test_a_file_that_is_given_comes_before_turnout_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, quality in (("a", 0.6), ("b", 0.7)):
        (tmp_path / f"{name}.toml").write_text(f"quality = {quality}")
    monkeypatch.setenv("TURNOUT_CONFIG", str(tmp_path / "b.toml"))
    assert load(tmp_path / "a.toml").quality == 0.6
    assert load(str(tmp_path / "a.toml")).quality == 0.6


def test_variables_come_on_top_of_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.toml"
    path.write_text("quality = 0.6\n[execution]\nmax_retries = 1\ndeadline_s = 5")
    monkeypatch.setenv("TURNOUT_QUALITY", "0.99")
    monkeypatch.setenv("TURNOUT_EXECUTION_MAX_RETRIES", "7")
    settings = load(path)
    assert (settings.quality, settings.execution.max_retries) == (0.99, 7)
    assert settings.execution.deadline_s == 5


def test_variables_come_on_top_of_a_mapping_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_LEDGER_ENABLED", "false")
    assert load({"quality": 0.5}).quality == 0.5
    assert load({"ledger": {"enabled": True}}).ledger.enabled is False


def test_settings_already_made_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_QUALITY", "0.1")
    made = Settings(quality=0.5)
    assert load(made) is made


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_QUALITY", "")
    monkeypatch.setenv("TURNOUT_LEDGER_URL", "")
    monkeypatch.setenv("TURNOUT_CONFIG", "")
    assert load() == Settings()


@pytest.mark.parametrize("named", ["argument", "variable"])
def test_a_named_file_that_is_missing_is_an_error(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing.toml"
    if named == "variable":
        monkeypatch.setenv("TURNOUT_CONFIG", str(missing))
    with pytest.raises(ConfigError, match=r"missing\.toml: no such config file") as caught:
        load(missing if named == "argument" else None)
    assert "turnout config init" in str(caught.value)


def test_choosing_a_ladder_replaces_the_tiers_of_the_layer_below(
    user_file: Path, here: Path
) -> None:
    user_file.write_text('[tiers]\na = "claude-haiku-5-5"\nb = "claude-opus-5-5"')
    assert turnout.Router(ledger=False).ladder.names == ("a", "b")
    here.write_text('ladder = "three"')
    assert turnout.Router(ledger=False).ladder.names == ("haiku", "sonnet", "opus")


# -- the working folder --------------------------------------------------------------------


def test_the_working_folder_may_set_routing_preferences(user_file: Path, here: Path) -> None:
    user_file.write_text('quality = 0.8\nescalation = "ask"')
    here.write_text(
        'ladder = "three"\nquality = 0.7\n'
        '[[rules]]\nname = "invoices"\nwords = ["invoice"]\ntier = "trivial"'
    )
    settings = load()
    assert (settings.ladder, settings.quality) == ("three", 0.7)
    assert settings.rules[0]["name"] == "invoices"
    assert settings.escalation == "ask", "what the folder does not set stays"


def test_the_working_folder_may_set_tiers(here: Path) -> None:
    here.write_text('[tiers]\nsmall = "claude-haiku-5-5"\nlarge = "claude-opus-5-5@high"')
    assert turnout.Router(ledger=False).ladder.names == ("small", "large")


@pytest.mark.parametrize(
    "text",
    [
        '[api]\nbase_url = "https://evil.example"',
        '[api]\nkey_env = "AWS_SECRET_ACCESS_KEY"',
        '[ledger]\nurl = "postgresql://evil.example/x"',
        "[ledger]\nrecord_prompts = true",
        '[models.m]\nprovider = "x"\nbase_url = "https://evil.example"',
        "[execution]\nmax_retries = 100",
        "[organisation]\nverified = true",
        'classifier = "evil"',
        "allow_unpriced = true",
        '[hook]\nmode = "rewrite"',
    ],
)
def test_the_working_folder_may_set_nothing_else(text: str, here: Path) -> None:
    """Turnout also runs inside other people's repositories."""
    here.write_text(text)
    key = tomllib.loads(text).popitem()[0]
    with pytest.raises(ConfigError) as caught:
        load()
    said = str(caught.value)
    assert said.startswith(f"{here}: {key!r} cannot be set from a working folder")
    assert "only ladder, tiers, quality, rules" in said


def test_a_wrong_value_in_the_working_folder_names_that_file(here: Path) -> None:
    here.write_text("quality = 2")
    with pytest.raises(ConfigError, match=re.escape(f"{here}: quality: 2 is wrong")):
        load()


@pytest.mark.parametrize("given", ["argument", "variable", "mapping"])
def test_the_working_folder_is_not_read_when_settings_were_given(
    given: str, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.write_text("[api]\nbase_url = 'https://evil.example'")
    path = tmp_path / "a.toml"
    path.write_text("quality = 0.6")
    if given == "variable":
        monkeypatch.setenv("TURNOUT_CONFIG", str(path))
    settings = load({"argument": path, "variable": None, "mapping": {"quality": 0.6}}[given])
    assert settings.quality == 0.6
    assert settings.api.base_url is None


def test_the_users_own_folder_is_no_foreign_one(
    user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standing in the config folder, its file is the user's and may set everything."""
    user_file.write_text("[execution]\nmax_retries = 5")
    monkeypatch.chdir(user_file.parent)
    assert load().execution.max_retries == 5


# -- what is wrong -------------------------------------------------------------------------

WRONG: list[tuple[dict[Any, Any], str]] = [
    ({"quality": math.nan}, "quality: nan is wrong: give a number >= 0"),
    ({"quality": math.inf}, "quality: inf is wrong: give a number <= 1"),
    ({"quality": 1.01}, "quality: 1.01 is wrong: give a number <= 1"),
    ({"quality": -0.1}, "quality: -0.1 is wrong: give a number >= 0"),
    ({"quality": "0.9"}, "quality: '0.9' is wrong: give a number"),
    ({"quality": True}, "quality: True is wrong: give a number"),
    ({"quality": None}, "quality: None is wrong: give a number"),
    ({"escalation": "never"}, "escalation: 'never' is wrong: choose from always, ask, log_only"),
    ({"ladder": 5}, "ladder: 5 is wrong: give text"),
    ({"qualty": 1}, "qualty: no such setting; did you mean 'quality'?"),
    ({"qual-ty": 1}, "qual-ty: no such setting; did you mean 'quality'?"),
    ({"zzz": 1}, "zzz: no such setting; choose from ladder, tiers, quality"),
    ({"ledger": {"folde": "x"}}, "ledger.folde: no such setting; did you mean 'folder'?"),
    ({"ledger": {"a-b": "x"}}, "ledger.a-b: no such setting; choose from enabled, url"),
    ({"ledger": {"enabled": "no"}}, "ledger.enabled: 'no' is wrong: give true or false"),
    ({"ledger": {"enabled": 0}}, "ledger.enabled: 0 is wrong: give true or false"),
    ({"ledger": 5}, "ledger: 5 is wrong: give a table"),
    ({"execution": {"deadline_s": 0}}, "execution.deadline_s: 0 is wrong: give a number > 0"),
    ({"execution": {"deadline_s": math.inf}}, "execution.deadline_s: inf is wrong"),
    ({"execution": {"deadline_s": math.nan}}, "execution.deadline_s: nan is wrong"),
    ({"execution": {"max_retries": -1}}, "max_retries: -1 is wrong: give a whole number >= 0"),
    ({"execution": {"max_retries": 1.5}}, "max_retries: 1.5 is wrong: give a whole number"),
    ({"execution": {"max_fallbacks": 10**30}}, "give a whole number <= 1000"),
    ({"api": {"base_url": 5}}, "api.base_url: 5 is wrong: give text"),
    ({"rules": 5}, "rules: 5 is wrong: give a list"),
    ({"rules": [{}, 5]}, "rules.1: 5 is wrong: give a table"),
    ({"models": 5}, "models: 5 is wrong: give a table"),
    ({"models": {"a": {}, "b": 5}}, "models.b: 5 is wrong: give a table"),
    ({"tiers": []}, "tiers: [] is wrong: give a table"),
    ({5: 1}, "5 is not the name of a setting"),
]


@pytest.mark.parametrize(("raw", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_wrong_setting_is_named_with_its_value_and_what_is_valid(
    raw: dict[Any, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(raw)
    assert said in str(caught.value)
    assert "`" not in str(caught.value)


def test_a_wrong_setting_of_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('quality = "high"')
    with pytest.raises(ConfigError, match=re.escape(f"{path}: quality: 'high' is wrong")):
        load(path)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400"])
def test_numbers_of_a_file_must_be_finite(number: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for line in (f"quality = {number}", f"[execution]\ndeadline_s = {number}"):
        path.write_text(line)
        with pytest.raises(ConfigError, match="is wrong: give a number"):
            load(path)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"ladder": "thre"}, "did you mean 'three'"),
        ({"classifier": "llm2"}, "unknown classifier 'llm2'"),
        ({"prefer": "fastest"}, "choose from cost, speed, quality, anthropic"),
    ],
)
def test_names_are_checked_when_a_router_is_made(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(turnout.TurnoutError, match=said):
        turnout.Router(raw, ledger=False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TURNOUT_QUALITY", "high", "TURNOUT_QUALITY: 'high' is wrong: give a number"),
        ("TURNOUT_QUALITY", "nan", "TURNOUT_QUALITY: 'nan' is wrong: give a number >= 0"),
        ("TURNOUT_QUALITY", "2", "TURNOUT_QUALITY: '2' is wrong: give a number <= 1"),
        ("TURNOUT_EXECUTION_MAX_RETRIES", "1.5", "give a whole number"),
        ("TURNOUT_EXECUTION_DEADLINE_S", "inf", "give a number <= 1000000000"),
        ("TURNOUT_LEDGER_ENABLED", "perhaps", "give true or false"),
        ("TURNOUT_ESCALATION", "never", "choose from always, ask, log_only"),
        ("TURNOUT_QUALTY", "1", "no such setting; did you mean 'TURNOUT_QUALITY'"),
        ("TURNOUT_TIERS", "1", "TURNOUT_TIERS: no such setting"),
    ],
)
def test_a_wrong_variable_is_named_with_its_value(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "on"), [("true", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_switch_can_be_set_by_a_variable(
    text: str, on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNOUT_ORGANISATION_ZERO_RETENTION", text)
    assert load().organisation.zero_retention is on


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"quality = ", "not valid TOML"),
        (b"quality = 0.9\nquality = 0.8", "not valid TOML"),
        (b'ladder = "\xff"', "not valid TOML"),
    ],
)
def test_a_broken_file_is_named(raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=said) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such config file"):
        load(tmp_path)


# -- what the values become ----------------------------------------------------------------


def test_settings_are_frozen() -> None:
    settings = load()
    with pytest.raises(AttributeError):
        settings.quality = 0.5  # type: ignore[misc]


def test_prices_of_a_file_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        '[models.m]\nprovider = "x"\ncontext_window = 9000\nmax_output_tokens = 900\n'
        "price = { input = 0.1, output = 0.3 }"
    )
    assert load(path).models["m"]["price"]["output"] == Decimal("0.3")
    router = turnout.Router(path, ledger=False)
    # $0.1 and $0.3 per million tokens are 100,000 and 300,000 pico-dollars per token
    card = router.catalog.get("m").prices[0].card
    assert (card.input, card.output) == (100_000, 300_000)


def test_a_ladder_of_a_file_may_have_broken_covers(tmp_path: Path) -> None:
    """`covers = 1.5`, as the template shows it, was "not a number"."""
    path = tmp_path / "a.toml"
    path.write_text(
        '[tiers]\na = { targets = ["claude-haiku-5-5@low"], covers = 1.5 }\n'
        'b = { targets = ["claude-opus-5-5@high"], covers = 4 }'
    )
    assert [tier.covers for tier in turnout.Router(path, ledger=False).ladder.tiers] == [1.5, 4]


def test_the_data_folder_is_the_users_unless_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert config.data_folder(load()) == tmp_path / "share" / "turnout"
    assert config.data_folder(load({"ledger": {"folder": "~/x"}})) == Path.home() / "x"


# -- the template --------------------------------------------------------------------------

SETTING = re.compile(r"^# (?=\w+ = |\"?[\w-]+\"? = |\[)", re.MULTILINE)


def uncommented() -> dict[str, Any]:
    """The template with every line that is a setting brought to life."""
    return tomllib.loads(SETTING.sub("", template()))


def plain_settings() -> dict[str, Any]:
    """Every setting that is neither a section nor a free table, dotted, with its default."""
    found = {}
    for name, item in msgspec.to_builtins(Settings()).items():
        if isinstance(item, dict) and name != "models":
            found.update({f"{name}.{key}": value for key, value in item.items()})
        else:
            found[name] = item
    return found


def test_the_template_as_written_is_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "turnout.toml"
    path.write_text(template(), "utf-8")
    assert load(path) == Settings()


def test_the_template_shows_every_setting() -> None:
    shown = uncommented()
    for name in plain_settings():
        spot = shown
        for part in name.split("."):
            assert part in spot, f"{name} is not in the template"
            spot = spot[part]


def test_the_template_shows_the_defaults_and_examples_where_there_is_none() -> None:
    shown, examples = uncommented(), set()
    for name, default in plain_settings().items():
        value: Any = shown
        for part in name.split("."):
            value = value[part]
        if default in (None, [], {}):
            examples.add(name)
        else:
            assert value == default, name
    assert examples == {
        "tiers",
        "prefer",
        "rules",
        "models",
        "ledger.url",
        "ledger.folder",
        "api.base_url",
    }


def test_the_template_brought_to_life_makes_a_router(tmp_path: Path) -> None:
    path = tmp_path / "turnout.toml"
    path.write_text(SETTING.sub("", template()), "utf-8")
    router = turnout.Router(path, ledger=False)
    assert router.ladder.names == ("small", "large")
    assert router.catalog.get("llama-local").free
    assert router.settings.prefer == "cost"
    assert router.route("What does this invoice say?").tier == "small"
