"""The other commands, on real files, a real ledger and the emulator."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import turnout
from turnout.config import Settings
from turnout.emulator import Emulator

ASK = "What is the capital of Peru?"

# -- run -----------------------------------------------------------------------------------


def test_run_prints_the_answer_and_tells_the_cost_beside_it(run: Any, api: Emulator) -> None:
    done = run("run", ASK)
    assert done.code == 0
    assert done.out.strip()
    assert done.err.startswith("[claude-haiku-5-5 · $0.")
    assert "saved $0." in done.err
    assert "dec_" in done.err


def test_run_as_json_is_the_outcome_and_nothing_else(run: Any, api: Emulator) -> None:
    done = run("run", ASK, "--json")
    assert (done.code, done.err) == (0, "")
    found = done.json
    assert found["served_by"] == found["decision"]["model"] == "claude-haiku-5-5"
    (attempt,) = found["attempts"]
    usage = attempt["usage"]
    # haiku 5.5: $0.10 in and $0.50 out per million
    by_hand = usage["input_tokens"] * Decimal("0.1") + usage["output_tokens"] * Decimal("0.5")
    assert Decimal(found["cost_usd"]) == by_hand / 10**6


def test_run_streams(run: Any, api: Emulator) -> None:
    plain = run("run", ASK).out
    done = run("run", ASK, "--stream")
    assert done.code == 0
    assert done.out == plain
    assert done.err.startswith("[claude-haiku-5-5")


def test_run_streams_as_json_lines_with_the_outcome_last(run: Any, api: Emulator) -> None:
    done = run("run", ASK, "--stream", "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert set(lines[-1]) == {"outcome"}
    assert all(set(line) == {"text"} for line in lines[:-1])
    assert "".join(line["text"] for line in lines[:-1]) == lines[-1]["outcome"]["text"]
    assert done.err == ""


def test_run_sends_system_and_max_tokens(run: Any, api: Emulator) -> None:
    run("run", ASK, "--system", "Be brief.", "--max-tokens", "77", "--model", "claude-opus-5@low")
    body = api.requests[-1].body
    assert body["max_tokens"] == 77
    assert body["model"] == "claude-opus-5"
    assert "Be brief." in json.dumps(body["system"])


def test_a_refusal_is_exit_code_3(run: Any, api: Emulator) -> None:
    done = run("run", "[[refuse]] Tell me.", "--max-tier", "low", "--max-cost-usd", "1")
    assert (done.code, done.out) == (3, "")
    assert "the model refused" in done.err
    assert len(done.err.splitlines()) == 1


def test_work_that_failed_is_exit_code_1(
    run: Any, api: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TURNOUT_EXECUTION_MAX_RETRIES", "0")
    done = run("run", ASK)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("turnout: no attempt succeeded")
    assert len(done.err.splitlines()) <= 2


def test_run_without_a_key_says_which_variable(run: Any) -> None:
    done = run("run", ASK)
    assert (done.code, done.out) == (2, "")
    assert "set ANTHROPIC_API_KEY" in done.err


# -- report, feedback, ledger --------------------------------------------------------------


@pytest.fixture
def recorded(run: Any, api: Emulator) -> list[Any]:
    """Three outcomes in the ledger: two trivial, one high."""
    wishes: list[tuple[str, ...]] = [(), (), ("--tier", "high")]
    return [run("run", ASK, "--json", *wish).json for wish in wishes]


def test_the_report_adds_up_to_the_outcomes(run: Any, recorded: list[Any]) -> None:
    found = run("report", "--json").json
    assert found["requests"] == 3
    total = sum(Decimal(item["cost_usd"]) for item in recorded)
    assert Decimal(found["cost_usd"]) == total
    groups = {group["key"]: group for group in found["groups"]}
    assert {key: group["requests"] for key, group in groups.items()} == {"trivial": 2, "high": 1}
    assert Decimal(groups["high"]["cost_usd"]) == Decimal(recorded[2]["cost_usd"])


def test_the_library_gives_what_the_command_prints(run: Any, recorded: list[Any]) -> None:
    with turnout.Router() as router:
        assert router.report() == run("report", "--json").json


def test_the_report_as_csv(run: Any, recorded: list[Any]) -> None:
    done = run("report", "--by", "model", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["model"]: row["requests"] for row in rows} == {
        "claude-haiku-5-5": "2",
        "claude-fable-5-2": "1",
    }


def test_the_report_as_a_table(run: Any, recorded: list[Any]) -> None:
    done = run("report", "--since", "1h", "--against", "claude-opus-5-5")
    assert done.code == 0
    assert "Spend by tier" in done.out
    assert "named: claude-opus-5-5" in done.out


def test_a_report_of_an_empty_ledger_says_so(run: Any, api: Emulator) -> None:
    assert "holds no requests" in run("report").out
    assert run("report", "--json").json["requests"] == 0


def test_a_period_without_requests_is_empty(run: Any, recorded: list[Any]) -> None:
    assert run("report", "--json", "--until", "2020-01-01").json["requests"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by", "mood"), "by: unknown 'mood'"),
        (("--since", "never"), "since: 'never' is not 30m, 24h, 7d, 4w or a date"),
        (("--since", "99999999999w"), "since: '99999999999w' is not"),
        (("--against", "claude-opus-9"), "did you mean"),
        (("--json", "--format", "csv"), "exclude each other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_report_that_cannot_be_made_says_why(
    run: Any, api: Emulator, options: tuple[str, ...], said: str
) -> None:
    done = run("report", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_feedback_reaches_the_report(run: Any, recorded: list[Any]) -> None:
    for item, score in zip(recorded, ("1", "0.5", "0"), strict=True):
        done = run("feedback", item["decision"]["id"], "--score", score)
        assert done.out == f"noted for {item['decision']['id']}\n"
    done = run("feedback", recorded[0]["decision"]["id"], "--failure", "--json")
    assert done.json["decision"] == recorded[0]["decision"]["id"]
    groups = {group["key"]: group for group in run("report", "--json").json["groups"]}
    assert groups["high"]["quality"]["mean"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--score", "1"), "no decision 'dec_x' is in the ledger"),
        ((), "give a score from 0 to 1, success, or both"),
        (("--score", "good"), "'good' is not a valid float"),
    ],
    ids=str,
)
def test_feedback_that_cannot_be_taken_says_why(
    run: Any, api: Emulator, options: tuple[str, ...], said: str
) -> None:
    done = run("feedback", "dec_x", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("score", ["2", "-1", "nan", "inf"])
def test_a_score_is_from_0_to_1(run: Any, recorded: list[Any], score: str) -> None:
    done = run("feedback", recorded[0]["decision"]["id"], "--score", score)
    assert (done.code, done.out) == (2, "")
    assert "score: " in done.err


def test_a_ledger_can_be_exported_and_imported_elsewhere(
    run: Any, recorded: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run("report", "--json").json
    done = run("ledger", "export", str(tmp_path / "all.jsonl"))
    assert done.code == 0
    assert done.err.startswith("exported ")
    for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines():
        json.loads(line)
    monkeypatch.setenv("TURNOUT_LEDGER_FOLDER", str(tmp_path / "other"))
    done = run("ledger", "import", str(tmp_path / "all.jsonl"))
    assert done.err.startswith("imported ")
    assert run("report", "--json").json == before
    again = run("ledger", "import", str(tmp_path / "all.jsonl"))
    assert again.err == "imported 0 new records\n"


def test_a_backup_is_a_ledger(
    run: Any, recorded: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run("report", "--json").json
    copy = tmp_path / "copy.sqlite3"
    assert run("ledger", "backup", str(copy)).code == 0
    monkeypatch.setenv("TURNOUT_LEDGER_URL", str(copy))
    monkeypatch.setenv("TURNOUT_LEDGER_FOLDER", str(tmp_path / "empty"))
    assert run("report", "--json").json == before


def test_prune_forgets_what_is_old_and_can_say_it_first(run: Any, recorded: list[Any]) -> None:
    assert run("ledger", "prune", "1d").out.startswith("forgot 0 requests")
    dry = run("ledger", "prune", "0m", "--dry-run", "--json").json
    assert dry["requests"] == 3
    assert run("report", "--json").json["requests"] == 3
    assert run("ledger", "prune", "0m").out.startswith("forgot 3 requests and 3 attempts")
    assert run("report", "--json").json["requests"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("prune", "2999-01-01"), 2, "is in the future"),
        (("prune", "old"), 2, "before: 'old' is not"),
        (("import", "missing.jsonl"), 2, "missing.jsonl is not a file"),
        (("export", "no/such/folder.jsonl"), 1, "cannot write"),
        (("backup", "no/such/folder.db"), 1, "cannot write"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_ledger_work_that_cannot_be_done_says_why(
    run: Any, api: Emulator, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = run("ledger", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_broken_import_names_file_and_line(run: Any, api: Emulator) -> None:
    Path("bad.jsonl").write_text("nonsense\n")
    done = run("ledger", "import", "bad.jsonl")
    assert done.code != 0
    assert "bad.jsonl, line 1" in done.err


def test_without_a_ledger_the_commands_say_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_LEDGER_ENABLED", "false")
    assert run("ledger", "export").code == 2
    done = run("report")
    assert done.code == 1
    assert "recording is off" in done.err


# -- models and cost-model -----------------------------------------------------------------


def test_models_lists_the_catalog_with_or_without_list(run: Any) -> None:
    listed = run("models", "list", "--json").json
    assert run("models", "--json").json == listed
    by_id = {model["id"]: model for model in listed}
    assert len(by_id) == 18
    assert by_id["claude-opus-5-5"]["prices"][-1]["input"] == "4"
    assert by_id["claude-haiku-5-5"]["prices"][0]["long"]["output"] == "2.5"
    assert by_id["claude-opus-4-8"]["prices"][0]["fast"]["until"] == "2026-11-30"
    table = run("models").out
    assert "claude-fable-5-2" in table
    assert "Models, ladder claude" in table


def test_models_show_takes_an_id_an_alias_or_a_provider(run: Any) -> None:
    assert run("models", "show", "claude-haiku-4-5-20251001", "--json").json["id"] == (
        "claude-haiku-4-5"
    )
    assert run("models", "show", "openai:gpt-5", "--json").json["provider"] == "openai"
    assert "context_window        1000000" in run("models", "show", "claude-opus-5-5").out
    done = run("models", "show", "claude-opus-5-55")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'claude-opus-5-5'" in done.err


def test_models_of_the_settings_are_listed_too(run: Any) -> None:
    Path("my.toml").write_text(
        "[models.llama]\nprovider = 'local'\ncontext_window = 9000\n"
        "max_output_tokens = 900\nfree = true"
    )
    found = run("models", "list", "--json", "--config", "my.toml").json
    assert found[-1]["id"] == "llama"
    assert found[-1]["prices"][0]["input"] == "0"


def test_models_check_warns_and_fails_only_for_what_the_ladder_needs(run: Any) -> None:
    done = run("models", "check", "--json")
    assert done.code == 0
    assert all({"model", "warning", "when", "on_ladder", "retired"} == set(r) for r in done.json)
    Path("my.toml").write_text('[models.claude-opus-5]\nlifecycle = "retired"')
    done = run("models", "check", "--config", "my.toml")
    assert done.code == 1
    assert "claude-opus-5 " in done.out


def test_models_sync_compares_with_the_live_list(run: Any, api: Emulator) -> None:
    done = run("models", "sync", "--json")
    assert done.err == ""
    assert done.code == (1 if done.json else 0)
    for row in done.json:
        assert set(row) == {"model", "field", "catalog", "live"}
    Path("my.toml").write_text("[models.claude-opus-5-5]\ncontext_window = 5")
    done = run("models", "sync", "--json", "--config", "my.toml")
    assert done.code == 1
    assert {
        "model": "claude-opus-5-5",
        "field": "context_window",
        "catalog": 5,
        "live": 1_000_000,
    } in done.json
    assert "Differences" in run("models", "sync", "--config", "my.toml").out


def test_a_list_that_cannot_be_read_is_work_that_failed(
    run: Any, api: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "bad-key")
    done = run("models", "sync")
    assert (done.code, done.out) == (1, "")
    assert "the model list cannot be read" in done.err
    assert len(done.err.splitlines()) <= 2


def test_the_cost_model_without_arguments_is_the_seeds_and_todays(run: Any) -> None:
    found = run("cost-model", "--json").json
    assert list(found) == ["seed", "today"]
    assert found["seed"]["routed_usd"] == "106.36"
    assert found["seed"]["top_usd"] == "144.4"
    table = run("cost-model").out
    for amount in ("$0.54", "$6.60", "$18.50", "$80.00", "$0.72", "$106.36", "$144.40", "26.3%"):
        assert amount in table


def test_the_cost_model_of_another_mix_and_ladder(run: Any) -> None:
    found = run("cost-model", "--mix", "70,20,10,0", "--ladder", "three", "--json").json
    assert list(found) == ["today"]
    assert [row["prompts"] for row in found["today"]["rows"]] == [700, 200, 100, 0, 1000]


@pytest.mark.parametrize("mix", ["30,40,20", "30,40,20,11", "a,b,c,d", "", "-10,60,30,20"])
def test_a_mix_that_is_none_is_refused(run: Any, mix: str) -> None:
    done = run("cost-model", f"--mix={mix}")
    assert (done.code, done.out) == (2, "")
    assert "mix: " in done.err


# -- config and doctor ---------------------------------------------------------------------


@pytest.mark.parametrize("how", [(), ("my.toml",), ("--config", "my.toml")], ids=str)
def test_config_init_writes_a_file_that_is_fine(run: Any, how: tuple[str, ...]) -> None:
    done = run("config", "init", *how)
    assert done.code == 0
    path = Path(done.out.removeprefix("wrote ").strip())
    assert path.is_file()
    assert turnout.config.load(path) == Settings()
    assert run("config", "check", "--config", str(path)).out.startswith(f"fine: {path}")
    again = run("config", "init", *how)
    assert again.code == 2
    assert "--force replaces it" in again.err
    assert run("config", "init", *how, "--force").code == 0


def test_config_check_finds_what_only_a_router_finds(run: Any) -> None:
    for text, said in [
        ("quality = 2", "quality: 2 is wrong"),
        ('ladder = "thre"', "did you mean 'three'"),
        ('[[rules]]\nname = "x"\ntier = "low"\nwrods = ["a"]', "rules"),
        ('[tiers]\na = "claude-haiku-5-5"', "at least two tiers"),
        ('[models.m]\nprovider = "x"', "models.m: a new model needs"),
        ("quality = ", "not valid TOML"),
    ]:
        Path("bad.toml").write_text(text)
        done = run("config", "check", "--config", "bad.toml")
        assert (done.code, done.out) == (2, ""), text
        assert said in done.err
        assert len(done.err.splitlines()) == 1


def test_config_show_is_what_is_in_force(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_QUALITY", "0.7")
    found = run("config", "show", "--json").json
    assert found["quality"] == 0.7
    assert found["execution"]["max_retries"] == 2
    text = run("config", "show").out
    assert "quality = 0.7\n" in text
    assert "# ledger.url is not set" in text


def test_config_show_keeps_the_password_of_the_ledger_to_itself(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://turnout:s3cr:t@db.example/turnout"
    monkeypatch.setenv("TURNOUT_LEDGER_URL", url)
    for arguments in (("config", "show"), ("config", "show", "--json")):
        done = run(*arguments)
        assert "s3cr" not in done.out + done.err
        assert "turnout:***@db.example/turnout" in done.out


def test_doctor_finds_everything_in_order(run: Any, api: Emulator) -> None:
    done = run("doctor", "--live", "--json")
    assert (done.code, done.err) == (0, "")
    found = {item["check"]: item for item in done.json}
    assert set(found) == {"python", "settings", "routing", "models", "ledger", "key", "api"}
    for name in ("settings", "routing", "ledger", "key", "api"):
        assert found[name]["state"] == "fine"
    assert "models" in found["api"]["text"]


def test_doctor_says_what_is_missing_and_never_shows_the_key(
    run: Any, api: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    assert "sk-secret" not in run("doctor").out
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    done = run("doctor")
    assert done.code == 0, "routing works without a key"
    assert "ANTHROPIC_API_KEY is not set: routing works, `turnout run` does not" in done.out
    assert "--live" in run("doctor", "--help").out
    broken = run("doctor", "--live", "--json")
    assert broken.code == 1
    assert broken.json[-1]["state"] == "broken"


def test_doctor_finds_broken_settings(run: Any) -> None:
    Path("bad.toml").write_text("quality = 2")
    done = run("doctor", "--config", "bad.toml", "--json")
    assert done.code == 1
    assert done.json[-1]["check"] == "settings"
    assert "quality: 2 is wrong" in done.json[-1]["text"]


# -- demo and emulate ----------------------------------------------------------------------


def test_the_demo_shows_the_whole_product_and_its_sums_agree(run: Any) -> None:
    done = run("demo", "--json")
    assert (done.code, done.err) == (0, "")
    requests, report = done.json["requests"], done.json["report"]
    assert len(requests) >= 20
    assert report["requests"] == len(requests)
    tiers = {item["decision"]["tier"] for item in requests}
    assert tiers == {"trivial", "low", "mid", "high"}
    assert any(item["escalated"] for item in requests), "a validator sends one up"
    fallen = [i for i in requests if i["served_by"] != i["attempts"][-1]["model"]]
    assert fallen, "a refusal is rescued by the API's own fallback"
    total = sum(Decimal(item["cost_usd"]) for item in requests)
    assert Decimal(report["cost_usd"]) == total
    for group in report["groups"]:
        mine = [i for i in requests if i["decision"]["tier"] == group["key"]]
        assert group["requests"] == len(mine)
        assert Decimal(group["cost_usd"]) == sum(Decimal(i["cost_usd"]) for i in mine)
    for item in requests:
        paid = sum(Decimal(attempt["cost_usd"]) for attempt in item["attempts"])
        assert Decimal(item["cost_usd"]) == paid + Decimal(item["decision"]["classifier_cost_usd"])
        if item["baseline_usd"] is not None:
            saved = Decimal(item["baseline_usd"]) - Decimal(item["cost_usd"])
            assert Decimal(item["savings_usd"]) == saved
    unanswerable = [item for item in requests if item["baseline_usd"] is None]
    assert len(unanswerable) <= 1, "only the log that is too long for the top model"
    dearest = report["savings"]["dearest"]
    assert Decimal(dearest["savings_usd"]) == (
        Decimal(dearest["baseline_usd"]) - Decimal(dearest["cost_usd"])
    )
    assert Decimal(dearest["savings_usd"]) > 0


def test_the_demo_for_people_keeps_its_ledger_where_it_is_told(run: Any) -> None:
    done = run("demo", "--keep", "kept")
    assert done.code == 0
    assert "What went where" in done.out
    assert "By hand, line 1" in done.out
    assert done.err == "", "no progress line where there is no terminal"
    assert list(Path("kept").iterdir())


@pytest.mark.parametrize(
    "arguments",
    [("--script", "missing.toml"), ("--script", "bad.toml")],
    ids=" ".join,
)
def test_a_script_that_cannot_be_used_is_named(run: Any, arguments: tuple[str, ...]) -> None:
    Path("bad.toml").write_text("nonsense")
    done = run("emulate", *arguments)
    assert (done.code, done.out) == (2, "")
    assert arguments[1] in done.err
    assert len(done.err.splitlines()) == 1


def test_a_port_that_is_taken_is_named(run: Any, emulator: tuple[Emulator, str]) -> None:
    port = emulator[1].rpartition(":")[2]
    done = run("emulate", "--port", port)
    assert done.code != 0
    assert f"port {port}" in done.err
