"""A cheap language guess: the script, then a few stop words or letters."""

from __future__ import annotations

import re

_BY_SCRIPT = {
    "greek": "el",
    "hebrew": "he",
    "hangul": "ko",
    "kana": "ja",
    "han": "zh",
    "devanagari": "hi",
    "bengali": "bn",
    "tamil": "ta",
    "telugu": "te",
    "gujarati": "gu",
    "gurmukhi": "pa",
    "thai": "th",
    "georgian": "ka",
    "armenian": "hy",
    "khmer": "km",
}

# Words that are frequent in one language and rare or absent in the others.
_STOP_WORDS = {
    "en": "the of and to is in that it for on with this what how are be my you i we do does can "
    "which from write explain fix why please should all when by your not use make it's what's",
    "de": "der die das und ist nicht ein eine einen mit für auf wie was wir ich sie den dem des "
    "bitte von zu im kann auch schreibe warum welche mir dieses diesen unser unsere alle",
    "fr": "le les des et est une un dans pour que qui sur avec du ce cette je nous vous mon ma mes "
    "quelle quel comment pourquoi écris moi la notre tous toutes au aux entre qu'est",
    "es": "el los las y es una un en para que por con del cómo qué mi mis cuál este esta escribe "
    "nuestro nuestra todos al lo de la tres si se entre",
    "pt": "o os as e é uma um em para que por com do da dos das como qual não meu minha este esta "
    "escreva nosso nossa todos ao na no entre você",
    "it": "il gli e è una un in per che con del della dei di come qual perché mio mia questo "
    "questa scrivi nostro tutti al nel nella sono la le tra cosa",
    "nl": "de het een en is van in voor met dat wat hoe op niet ik je mijn dit deze zijn schrijf "
    "waarom alle naar onze welke",
    "pl": "i w na z do jest nie się to jak co dla czy mój tego napisz dlaczego który jakie ze od "
    "wszystkie po oraz przez ten tę",
    "tr": "ve bir bu için ile nasıl ne mi mı da de neden olan bana yaz gibi tüm kadar hangi benim "
    "şu cümleyi olarak nedir",
    "vi": "và là của một cho trong không với những các này có hãy tôi như thế nào được viết từ gì "
    "để giữa sao bằng",
    "id": "yang dan di untuk dengan ini itu dari adalah tidak saya bagaimana apa pada ke buatkan "
    "tolong dalam kami semua mengapa",
    "sv": "och att det en ett är som för på med av den inte jag hur vad skriv varför alla till",
    "cs": "a je v na se že jak co pro s do napiš proč tento který jsou nebo všechny ve z",
    "ro": "și este un o în pentru cu care ce cum din la scrie de nu sunt toate",
    "hu": "a az és egy hogy nem is mit hogyan írj miért ezt van minden",
    "fi": "ja on ei se että miten mikä kirjoita miksi tämä ovat kaikki",
}
_OWNERS: dict[str, tuple[str, ...]] = {}
for _language, _words in _STOP_WORDS.items():
    for _word in _words.split():
        _OWNERS[_word] = (*_OWNERS.get(_word, ()), _language)
_ALL = frozenset(_OWNERS)
_ENGLISH_ONLY = frozenset(word for word, owners in _OWNERS.items() if owners == ("en",))
_ENOUGH = 4
"""So many words that only English has settle the matter."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LETTERS = (
    ("ñ¿¡", "es"),
    ("ãõ", "pt"),
    ("ß", "de"),
    ("ığş", "tr"),
    ("łżęąśź", "pl"),
    ("đơưăạảấầậắằặẹẻếềểệịọỏốồổộớờởợụủứừửựỳỵỷỹ", "vi"),
    ("øåæ", "da"),
    ("čřůěň", "cs"),
    ("țșă", "ro"),
    ("œç", "fr"),
    ("äöü", "de"),
    ("èêàù", "fr"),
)


def guess_language(script: str, head: str) -> str:
    """ISO 639-1 guess for a text of a known script, or `und`."""
    if script == "latin":
        return _latin(head.lower())
    if script == "cyrillic":
        return "uk" if any(letter in head for letter in "іїєґІЇЄҐ") else "ru"
    if script == "arabic":
        return "fa" if any(letter in head for letter in "پچژگکی") else "ar"
    return _BY_SCRIPT.get(script, "und")


def _latin(head: str) -> str:
    words = set(head.split()) if head.isascii() else set(_WORD.findall(head))
    if len(words & _ENGLISH_ONLY) >= _ENOUGH:
        return "en"
    scores: dict[str, float] = {}
    for word in words & _ALL:
        owners = _OWNERS[word]
        for owner in owners:
            scores[owner] = scores.get(owner, 0.0) + 1.0 / len(owners)
    if not head.isascii():
        for letters, language in _LETTERS:
            if any(letter in head for letter in letters):
                scores[language] = scores.get(language, 0.0) + 0.8
    if not scores:
        return "und"
    # sorted first, so that ties do not depend on the order of a set
    return max(sorted(scores), key=scores.__getitem__)
