"""Settings: frozen, checked, and read here alone.

One file is read: the one given, else `TURNOUT_CONFIG`, else `turnout.toml` in the user's config
folder. `TURNOUT_*` variables come on top. A `turnout.toml` in the working folder may set routing
preferences only, since Turnout also runs inside other people's repositories; it is not read when
a file was given.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct, field

from turnout.errors import ConfigError, choices

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=10**9)]
Count = Annotated[int, Meta(ge=0, le=1000)]

ROUTING_KEYS = ("ladder", "tiers", "quality", "rules")
"""The only keys that a `turnout.toml` in the working folder may set."""


class Ledger(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the record is kept."""

    enabled: bool = True
    url: str | None = None
    """A SQLAlchemy URL or a path; None means `ledger.sqlite3` in the folder."""

    folder: str | None = None
    """Folder of the journal; None means the user's data folder."""

    record_prompts: bool = False
    """Keep prompts, with what looks like a secret masked."""

    prompt_days: Positive = 30.0
    """Days until a recorded prompt is deleted."""


class Execution(Struct, frozen=True, forbid_unknown_fields=True):
    """How requests are sent."""

    max_retries: Count = 2
    """Further tries of one target after a failure that may pass."""

    deadline_s: Positive = 600.0
    """Seconds for the whole request, retries and fallbacks included."""

    max_fallbacks: Count = 3
    server_fallbacks: bool = True
    bill_refusals: bool = False
    """True if your account is billed for refusals before any output."""

    cache_prefix: bool = True
    """Mark the stable prefix for caching when it is long enough for the model."""


class Api(Struct, frozen=True, forbid_unknown_fields=True):
    """The upstream."""

    base_url: str | None = None
    """None leaves it to the vendor's client and `ANTHROPIC_BASE_URL`."""

    key_env: str = "ANTHROPIC_API_KEY"
    """Name of the variable that holds the key; keys are never written into files."""


class Organisation(Struct, frozen=True, forbid_unknown_fields=True):
    """Facts about the caller's account."""

    zero_retention: bool = False
    """True rules out models that insist on keeping data."""

    verified: bool = False
    """True allows models open to verified organisations only."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a user can set."""

    ladder: str = "claude"
    tiers: dict[str, Any] | None = None
    """A ladder of one's own, cheapest tier first; replaces `ladder`."""

    quality: Share = 0.92
    escalation: Literal["always", "ask", "log_only"] = "always"
    classifier: str = "rules"
    prefer: str | None = None
    rules: list[dict[str, Any]] = []
    allow_unpriced: bool = False
    models: dict[str, dict[str, Any]] = {}
    ledger: Ledger = field(default_factory=Ledger)
    execution: Execution = field(default_factory=Execution)
    api: Api = field(default_factory=Api)
    organisation: Organisation = field(default_factory=Organisation)


def load(
    config: str | os.PathLike[str] | Mapping[str, Any] | Settings | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings in force.

    `config` is a file, a mapping, or settings already made; `folder` is the working folder.
    Raises ConfigError that names the file, the key, the value and what is valid.
    """
    environ = os.environ if environ is None else environ
    if isinstance(config, Settings):
        return config
    if isinstance(config, Mapping):
        return _settings(_merge(config, _variables(environ)), "config")
    path = find(config, environ)
    raw = read(path) if path else {}
    here = folder or _working_folder()
    if config is None and not environ.get("TURNOUT_CONFIG") and here is not None:
        raw = _merge(raw, _preferences(here / "turnout.toml", path))
    if path:
        _settings(raw, str(path))
    return _settings(_merge(raw, _variables(environ)), str(path) if path else "TURNOUT_*")


def find(
    config: str | os.PathLike[str] | None, environ: Mapping[str, str] | None = None
) -> Path | None:
    """The file that `load` would read, or None. A named file that is missing is an error."""
    environ = os.environ if environ is None else environ
    named = config or environ.get("TURNOUT_CONFIG")
    if named:
        path = _expanded(named)
        if not path.is_file():
            raise ConfigError(f"{path}: no such config file; `turnout config init` writes one")
        return path
    path = user_file()
    return path if path.is_file() else None


def _expanded(name: str | os.PathLike[str]) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{name}: there is no such home folder") from error


def _working_folder() -> Path | None:
    """The working folder; None when it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def user_file() -> Path:
    """`turnout.toml` in the user's config folder."""
    from platformdirs import user_config_path

    return user_config_path("turnout", appauthor=False) / "turnout.toml"


def data_folder(settings: Settings) -> Path:
    """Where the journal and the default ledger live."""
    if settings.ledger.folder:
        return Path(settings.ledger.folder).expanduser()
    from platformdirs import user_data_path

    return user_data_path("turnout", appauthor=False)


def read(path: Path) -> dict[str, Any]:
    """A TOML file as a mapping; ConfigError says where it is broken."""
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # numbers and nesting beyond Python's limits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def template() -> str:
    """The annotated file that `turnout config init` writes."""
    from importlib.resources import files

    return (files("turnout") / "turnout.toml").read_text("utf-8")


def _preferences(path: Path, trusted: Path | None) -> dict[str, Any]:
    """The routing preferences of an untrusted folder; anything else there is refused."""
    if not path.is_file() or (trusted and path.samefile(trusted)):
        return {}
    raw = read(path)
    for key in raw:
        if key not in ROUTING_KEYS:
            raise ConfigError(
                f"{path}: {key!r} cannot be set from a working folder, only "
                f"{', '.join(ROUTING_KEYS)}; move it to {user_file()} or pass --config"
            )
    _settings(raw, str(path))
    if any("pattern" in rule for rule in raw.get("rules", ())):
        raise ConfigError(
            f"{path}: rules: a pattern cannot be set from a working folder, since a bad one can "
            f"take for ever; use words or phrases, or move it to {user_file()}"
        )
    return raw


def _variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings from TURNOUT_QUALITY, TURNOUT_LEDGER_URL and so on; an empty one is unset."""
    known = dict(_variable_names(Settings))
    raw: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("TURNOUT_") or name == "TURNOUT_CONFIG":
            continue
        if name not in known:
            raise ConfigError(f"{name}: no such setting; {choices(name, known)}")
        if value == "":
            continue
        *sections, key = known[name]
        spot = raw
        for section in sections:
            spot = spot.setdefault(section, {})
        try:
            spot[key] = msgspec.convert(value, _type_at(known[name]), strict=False)
        except msgspec.ValidationError as error:
            said = _in_words(str(error), known[name])
            raise ConfigError(f"{name}: {value!r} is wrong: {said}") from error
    return raw


def _variable_names(
    struct: type[Struct], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each plain setting's variable, derived from its place."""
    for item in msgspec.structs.fields(struct):
        here = (*path, item.name)
        kind = item.type
        if isinstance(kind, type) and issubclass(kind, Struct):
            yield from _variable_names(kind, here)
        elif item.name not in ("tiers", "rules", "models"):
            yield "TURNOUT_" + "_".join(here).upper(), here


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping) and key != "tiers"
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    if "ladder" in above and "tiers" not in above:
        merged.pop("tiers", None)
    return merged


def _settings(raw: Mapping[str, Any], where: str) -> Settings:
    for key in raw:
        if not isinstance(key, str):
            raise ConfigError(f"{where}: {key!r} is not the name of a setting")
    try:
        return msgspec.convert(dict(raw), Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_sentence(str(error), raw)}") from error


def _sentence(message: str, raw: Mapping[str, Any]) -> str:
    """msgspec's message with the key and its value in front, and the valid choices behind."""
    text, _, spot = message.partition(" - at `$")
    path, value = _walk(raw, re.findall(r"\.\.\.|[^.\[\]`]+", spot))
    dotted = ".".join(path)
    unknown = re.search("unknown field `(.*)`", text)
    if unknown:
        struct = _type_at(path)
        names = [item.name for item in msgspec.structs.fields(struct)]
        key = ".".join((*path, unknown[1]))
        return f"{key}: no such setting; {choices(unknown[1], names)}"
    return f"{dotted}: {_short(value)} is wrong: {_in_words(text, path)}"


def _walk(raw: Any, steps: list[str]) -> tuple[tuple[str, ...], Any]:
    """The keys on the way to a value that msgspec refused, and the value."""
    path: list[str] = []
    for step in steps:
        if isinstance(raw, Mapping):
            if step == "...":  # a key of a table with free keys: the one whose value is no table
                step = next(key for key, item in raw.items() if not isinstance(item, Mapping))
            raw = raw.get(step)
        elif isinstance(raw, (list, tuple)):
            raw = raw[int(step)]
        path.append(step)
    return tuple(path), raw


def _type_at(path: Iterable[str]) -> Any:
    """The declared type of a setting."""
    kind: Any = Settings
    for part in path:
        kind = next(item.type for item in msgspec.structs.fields(kind) if item.name == part)
    return kind


def _in_words(text: str, path: Sequence[str]) -> str:
    """What msgspec expected, for people."""
    if "enum" in text:
        return choices("", get_args(_type_at(path)))
    text = text.partition(", got")[0].replace("Expected ", "").replace(" | null", "")
    for kind, word in _WORDS.items():
        text = text.replace(f"`{kind}`", word)
    return f"give {text}".replace(".0", "")


_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "str": "text",
    "object": "a table",
    "array": "a list",
}


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
