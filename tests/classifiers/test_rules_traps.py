"""Asks that fool routers which look at words or length, at quality 0.92 on the four levels."""

from __future__ import annotations

import pytest

from turnout.classifiers import Rules
from turnout.signals import extract
from turnout.types import LEVELS, Request

QUALITY = 0.92
RULES = Rules()


def chosen(*turns: str) -> str:
    """The level chosen for a conversation that starts and ends with the user."""
    roles = ("user", "assistant")
    messages = tuple({"role": roles[i % 2], "content": text} for i, text in enumerate(turns))
    request = Request(messages=messages)
    prediction = RULES.predict(request, extract(request))
    cut = RULES.cut(QUALITY)
    return next(
        name for name, p in zip(LEVELS, prediction.adequate, strict=True) if p >= cut or p == 1.0
    )


TRIVIAL = {"trivial"}
EASY = {"trivial", "low"}
LOW = {"low"}
MID = {"mid"}
HARD = {"mid", "high"}
HIGH = {"high"}
NOT_HIGH = {"trivial", "low", "mid"}


@pytest.mark.parametrize(
    ("prompt", "levels"),
    [
        ("what does the word architecture mean?", EASY),
        ("fix the typo in " + "we are migrating the distributed system " * 100, EASY),
        ("Fix the typo in:\n" + "The auth module is refactored across services. " * 90, EASY),
        ("Refactor the auth module across services", HIGH),
        ("hi, step by step, pros and cons", NOT_HIGH),
        ("Define and implement a lock-free hash table", HARD),
        ("classify this ticket: the app has a race condition and needs a migration", TRIVIAL),
        ("extract the invoice date from: Invoice 88, 4 May 2026, security audit", TRIVIAL),
        ("Translate to French: I am designing a distributed system architecture", EASY),
        ("What's 2+2", TRIVIAL),
        ("Prove that there are infinitely many primes", MID),
        ("Show that de Rham cohomology of a smooth manifold is a homotopy invariant.", HIGH),
        ("Find all functions f: R -> R with f(x+f(y)) = f(x)+y for all real x and y", HIGH),
        ("debug this race condition", MID),
        ("Summarise these three sentences", LOW),
        ("write a haiku", LOW),
        ("just move everything from Python 2 to 3 in the repo", HIGH),
        ("The changes are staged; which files are in the commit?", NOT_HIGH),
        ("How do I fill in the immigration form?", NOT_HIGH),
        ("hi", TRIVIAL),
        ("Thank you very much!", TRIVIAL),
    ],
)  # fmt: skip
def test_english_traps_get_the_level_of_the_work(prompt: str, levels: set[str]) -> None:
    assert chosen(prompt) in levels


@pytest.mark.parametrize(
    ("prompt", "levels"),
    [
        # a word asked about
        ("Was bedeutet das Wort Architektur?", EASY),
        ("Que signifie le mot « architecture » ?", EASY),
        ("¿Qué significa la palabra arquitectura?", EASY),
        ("O que significa a palavra arquitetura?", EASY),
        ("Cosa significa la parola architettura?", EASY),
        ("Что означает слово «архитектура»?", EASY),
        ("“架构”这个词是什么意思?", EASY),
        ("「アーキテクチャ」とはどういう意味ですか?", EASY),
        ("'아키텍처'는 무슨 뜻이야?", EASY),
        ("ما معنى كلمة معمارية؟", EASY),
        ("आर्किटेक्चर शब्द का अर्थ क्या है?", EASY),
        # translation of hard-sounding matter
        ("Übersetze ins Englische: Wir entwerfen eine verteilte Architektur.", EASY),
        ("Переведи на английский: мы проектируем распределённую архитектуру", EASY),
        ("翻译成英文:我正在设计一个分布式系统架构", EASY),
        ("英語に翻訳して:私は分散システムのアーキテクチャを設計しています", EASY),
        ("영어로 번역해 줘: 나는 분산 시스템 아키텍처를 설계하고 있다", EASY),
        ("ترجم إلى الإنجليزية: أصمم معمارية نظام موزع", EASY),
        # short verses
        ("Schreib ein Haiku", LOW),
        ("写一首俳句", LOW),
        ("俳句を書いて", LOW),
        ("하이쿠 써 줘", LOW),
        ("напиши хайку", LOW),
        ("اكتب هايكو", LOW),
        # proofs
        ("Beweise, dass es unendlich viele Primzahlen gibt", MID),
        ("Démontre qu'il existe une infinité de nombres premiers", MID),
        ("Demuestra que hay infinitos números primos", MID),
        ("Prove que existem infinitos números primos", MID),
        ("Dimostra che esistono infiniti numeri primi", MID),
        ("Докажи, что простых чисел бесконечно много", MID),
        ("证明素数有无穷多个", MID),
        ("素数が無限に存在することを証明せよ", MID),
        ("소수가 무한히 많음을 증명하라", MID),
        ("أثبت أن الأعداد الأولية لا نهائية", MID),
        ("सिद्ध कीजिए कि अभाज्य संख्याएँ अनंत हैं", MID),
        # faults
        ("Finde den Fehler in dieser Race Condition", MID),
        ("Debug cette condition de course", MID),
        ("Depura esta condición de carrera", MID),
        ("отладь это состояние гонки", MID),
        ("调试这个竞态条件", MID),
        ("この競合状態をデバッグして", MID),
        ("이 경쟁 상태를 디버깅해 줘", MID),
        ("صحح الخطأ في حالة السباق هذه", MID),
        ("इस रेस कंडीशन को डिबग करो", MID),
        # wide work
        ("Refaktoriere das Auth-Modul über alle Services hinweg", HIGH),
        ("Refactorise le module d'authentification dans tous les services", HIGH),
        ("Refactoriza el módulo de autenticación en todos los servicios", HIGH),
        ("Refatore o módulo de autenticação em todos os serviços", HIGH),
        ("Rifattorizza il modulo di autenticazione in tutti i servizi", HIGH),
        ("Отрефактори модуль авторизации во всех сервисах", HIGH),
        ("重构所有服务中的认证模块", HIGH),
        ("すべてのサービスの認証モジュールをリファクタリングして", HIGH),
        ("모든 서비스의 인증 모듈을 리팩터링해 줘", HIGH),
        ("أعد هيكلة وحدة المصادقة في جميع الخدمات", HIGH),
        ("सभी सेवाओं में ऑथ मॉड्यूल को रिफैक्टर करो", HIGH),
        # migrations behind a mild verb
        ("Bring alles von Python 2 auf 3, im ganzen Repo", HIGH),
        ("просто перенеси всё с Python 2 на 3 во всём репозитории", HIGH),
        ("把整个仓库从Python 2全部改成Python 3就行", HIGH),
        ("リポジトリ全体をPython 2から3へ全部書き換えるだけでいい", HIGH),
        ("انقل كل شيء في المستودع من بايثون 2 إلى 3", HIGH),
    ],
)  # fmt: skip
def test_other_languages_get_the_same_levels(prompt: str, levels: set[str]) -> None:
    assert chosen(prompt) in levels


HARD_ASK = "Refactor the auth module across all services with zero downtime; plan it first."


@pytest.mark.parametrize(
    "reply",
    ["yes, do it", "Yes, do it.", "go on", "commit it", "OK", "weiter", "oui, vas-y", "sí",
     "да, давай", "继续", "お願いします", "계속해 줘", "نعم", "हाँ"],
)  # fmt: skip
def test_a_follow_up_keeps_the_level_of_what_it_agrees_to(reply: str) -> None:
    assert chosen(HARD_ASK, "Here is the plan. Shall I start?", reply) == chosen(HARD_ASK) == "high"


def test_a_chain_of_follow_ups_still_knows_what_was_asked() -> None:
    assert (
        chosen(HARD_ASK, "Plan.", "ok", "Step 1 done.", "go on", "Step 2 done.", "next") == "high"
    )


def test_thanks_after_hard_work_is_trivial() -> None:
    assert chosen(HARD_ASK, "All done.", "Thanks!") == "trivial"


def test_a_new_easy_question_after_hard_work_is_judged_by_itself() -> None:
    assert chosen(HARD_ASK, "All done.", "What is the capital of Peru?") == "trivial"


def test_agreeing_to_an_easy_ask_stays_easy() -> None:
    assert chosen("Write a haiku about rain.", "One more?", "yes please") == "low"


def test_an_ask_without_any_known_word_is_never_trivial() -> None:
    for prompt in ("florble the wug", "blivet zorp quux", "Ĝis la revido kara amiko mia"):
        assert chosen(prompt) != "trivial"


def test_words_are_never_found_inside_other_words() -> None:
    evidence = RULES.predict(
        request := Request(messages=({"role": "user", "content": "whichever restaging happens"},)),
        extract(request),
    ).evidence
    assert evidence == ("no rule fits; judged by the shape of the ask",)


def test_evidence_never_quotes_the_prompt() -> None:
    prompt = "Extract the zanzibar code from: zanzibar 42"
    request = Request(messages=({"role": "user", "content": prompt},))
    assert "zanzibar" not in " ".join(RULES.predict(request, extract(request)).evidence)
