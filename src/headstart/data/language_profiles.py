"""Which language a text may be in, by its letters and its commonest words: enough to tell two languages apart, no more."""

# ruff: noqa: RUF001

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from functools import cache

from headstart.data.languages import language_of

_SCRIPTS = (
    ("Latn", 0x41, 0x24F), ("Latn", 0x1E00, 0x1EFF), ("Grek", 0x370, 0x3FF), ("Grek", 0x1F00, 0x1FFF), ("Cyrl", 0x400, 0x52F),
    ("Armn", 0x530, 0x58F), ("Hebr", 0x590, 0x5FF), ("Arab", 0x600, 0x77F), ("Arab", 0x8A0, 0x8FF), ("Deva", 0x900, 0x97F),
    ("Beng", 0x980, 0x9FF), ("Guru", 0xA00, 0xA7F), ("Gujr", 0xA80, 0xAFF), ("Orya", 0xB00, 0xB7F), ("Taml", 0xB80, 0xBFF),
    ("Telu", 0xC00, 0xC7F), ("Knda", 0xC80, 0xCFF), ("Mlym", 0xD00, 0xD7F), ("Sinh", 0xD80, 0xDFF), ("Thai", 0xE00, 0xE7F),
    ("Laoo", 0xE80, 0xEFF), ("Tibt", 0xF00, 0xFFF), ("Mymr", 0x1000, 0x109F), ("Geor", 0x10A0, 0x10FF), ("Hang", 0x1100, 0x11FF),
    ("Ethi", 0x1200, 0x139F), ("Khmr", 0x1780, 0x17FF), ("Kana", 0x3040, 0x30FF), ("Hani", 0x3400, 0x4DBF),
    ("Hani", 0x4E00, 0x9FFF), ("Hang", 0xAC00, 0xD7AF), ("Hani", 0xF900, 0xFAFF), ("Hani", 0x20000, 0x3FFFF),
)  # fmt: skip
"""Scripts by the code points of their letters (Unicode Standard Annex 24), in blocks from first to last."""
_STARTS = sorted((first, last, name) for name, first, last in _SCRIPTS)
_WRITTEN = {
    "Cyrl": "ab av ba be bg ce cv kk kv ky mk mn os ru tg tt uk sah udm myv mhr", "Grek": "el grc", "Armn": "hy",
    "Hebr": "he yi", "Arab": "ar fa ps ur sd ug ks ckb azb arz ary aeb prs", "Deva": "hi mr ne sa mai bho awa mag hne",
    "Beng": "bn as", "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta", "Telu": "te", "Knda": "kn", "Mlym": "ml", "Sinh": "si",
    "Thai": "th", "Laoo": "lo", "Tibt": "bo dz", "Mymr": "my shn", "Geor": "ka", "Hang": "ko", "Ethi": "am ti", "Khmr": "km",
    "Kana Hani": "ja", "Hani": "zh yue wuu nan lzh", "Cyrl Latn": "sr sh bs az uz tk", "Arab Latn": "ku ha ms",
    "Latn": (
        "af ca cs cy da de en eo es et eu fi fr ga gl hr ht hu id is it la lb lt lv mt nb nl nn no oc pl pt ro sk sl sq sv sw tl "
        "tr vi xh yo zu"
    ),
}  # fmt: skip
"""Languages by the scripts that they are written in."""
_WORDS = {
    "en": (
        "the of and to is that it was for on are with as his they at be this from have or by not what all were we when "
        "your can said there each which she do how their if will up about out many then them these so some her would into "
        "has two a an in while"
    ),
    "de": (
        "der die und den von zu das mit sich des auf ist im dem nicht ein eine als auch es an werden aus er hat dass sie "
        "nach wird bei einer um am sind noch wie einem einen so zum war haben nur oder aber vor zur bis mehr durch in "
        "während zwei ihre"
    ),
    "fr": (
        "le de un être et à il avoir ne je son que se qui ce dans en du elle au pour pas une sur sont avec les des la est "
        "par plus nous vous cette mais ses ou leur deux comme tout aux ont l d qu"
    ),
    "es": (
        "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre "
        "este ya entre cuando todo esta ser son dos también fue hay está muy"
    ),
    "it": (
        "di e che la il un a per non in una è sono si da con lo del le gli dei nel alla al come ma ed anche più della i "
        "questo su hanno delle ha due mentre dalla sul nella sulla"
    ),
    "pt": (
        "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou "
        "ser quando muito há nos já está eu também pelo pela até isso ela entre"
    ),
    "nl": (
        "de en van het een in is dat op te zijn met voor niet aan er om ook als dan maar bij of uit nog naar heeft hij ze "
        "wordt door over worden hun deze zich twee dit"
    ),
    "sv": (
        "och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när år "
        "under också efter eller nu sin där vid mot ska skulle två"
    ),
    "da": (
        "og i at det en den til er som på de med han af for ikke der var mig sig men et har om vi min havde ham hun nu "
        "over da fra du ud sin dem os op hans hvor eller hvad skal selv her alle vil blev kunne ind når være"
    ),
    "nb": (
        "og i jeg det at en et den til er som på de med han av ikke der så var meg seg men har om vi min hadde ham hun nå "
        "over da ved fra du ut sin dem oss opp kan hans hvor eller hva skal selv her alle vil bli ble kunne inn når "
        "være"
    ),
    "fi": (
        "ja on ei se että en hän oli mutta niin kuin mitä olen ovat tämä sitten nyt vain kun jos joka myös minä sinä ole "
        "hänen sen ne he tai"
    ),
    "pl": (
        "i w na z do się nie że to jest o jak ale po co tak za od jego już tylko dla przez czy był są ich przy jej może "
        "ten oraz być dwóch"
    ),
    "cs": (
        "a v se na je že to s z do o i ve k za by ale si po jako pro od jsou která který které podle jeho nebo až bylo "
        "být při dva jsem"
    ),
    "sk": (
        "a v sa na je že to s z do o aj vo k za by ale si po ako pre od sú ktorá ktorý ktoré podľa jeho alebo až bolo byť "
        "pri dva som"
    ),
    "hu": "a az és hogy nem is egy ez volt van de csak meg már mint még el ha ki azt vagy be majd mert nagyon két",
    "ro": (
        "și de la a în cu pe nu o care că din un se este mai pentru sunt ce sau prin fi au dar lui fost după două unei "
        "unui"
    ),
    "tr": "ve bir bu da de için ile çok daha olarak gibi var ne kadar olan sonra ama ki o mi değil en iki her",
    "id": (
        "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada mereka lebih "
        "kata tahun sudah atau saat oleh menjadi orang dua"
    ),
    "vi": "và của là có không được một cho những các trong với người đã để này khi ra ở như từ đến cũng thì vào hai",
    "ru": (
        "и в не на что он с как это по но они мы все она так его от из у я за же вы бы к до для или если ее только был "
        "была при два"
    ),
    "uk": (
        "і в не на що він з як це по але вони ми всі вона так його від у я за ж ви б до для або якщо її тільки був була "
        "при два та є"
    ),
    "bg": (
        "и в не на че той с как това по но те ние всички тя така го от из за вие би до или ако само беше при два е са се "
        "да"
    ),
}  # fmt: skip
"""The commonest words of languages: articles, prepositions, pronouns."""
LEAST = 2
"""Common words of the other language that a text has to hold before they tell it from the one that is expected."""
SHARE = 0.6
"""Share of the letters that are of one script from which on a text is in it."""
FEW_LETTERS = 3
"""Letters below which a text says nothing of its script."""
_LETTERS = re.compile(r"[^\W\d_]+")


def letters_by_script(text: str) -> Counter[str]:
    """How many letters of each script a text has; letters of scripts that are not known count as `Zyyy`."""
    found: Counter[str] = Counter()
    for character in "".join(_LETTERS.findall(text)):
        code = ord(character)
        at = bisect_right(_STARTS, (code, 0x110000, "~")) - 1
        found[_STARTS[at][2] if at >= 0 and code <= _STARTS[at][1] else "Zyyy"] += 1
    return found


@cache
def scripts_of(tag: str) -> frozenset[str]:
    """Scripts that a language is written in, that of a tag such as `srp_Cyrl` if it names one; empty where none is known."""
    if named := re.search(r"[-_@]([A-Za-z]{4})\b", tag):
        script = named[1].title()
        script = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Kana Hani", "Kore": "Hang", "Latin": "Latn"}.get(
            script, script
        )
        return frozenset(script.split())
    language = language_of(tag)
    scripts = (set(name.split()) for name, own in _WRITTEN.items() if language and language.code in own.split())
    return frozenset().union(*scripts)


@cache
def common_words(tag: str) -> frozenset[str]:
    """The commonest words of a language; empty where they are not known."""
    language = language_of(tag)
    code = {"no": "nb"}.get(language.code, language.code) if language else ""
    return frozenset(_WORDS.get(code, "").split())


def is_in_other(text: str, expected: str, other: str) -> bool:
    """Whether a text seems to be in one language and not in the one that is expected.

    By script where the two have none in common; else by common words that only one of the two has: at least `LEAST` different ones
    of the other, and more than twice as many as of the expected one. What is short, or says nothing, is in doubt for the text.

    Args:
        text: of any length.
        expected: code or tag of a language.
        other: that of another.
    """
    wanted, against = scripts_of(expected), scripts_of(other)
    if wanted and against and not wanted & against:
        letters = letters_by_script(text)
        total = letters.total()
        return total >= FEW_LETTERS and sum(letters[script] for script in against) >= SHARE * total
    own, others = common_words(expected), common_words(other)
    if not own or not others or own == others:
        return False
    words = {word.lower() for word in _LETTERS.findall(text)}
    return len(words & (others - own)) >= max(LEAST, 2 * len(words & (own - others)) + 1)


def is_in_wrong_script(text: str, expected: str) -> bool:
    """Whether most letters of a text are of scripts that a language is never written in."""
    wanted = scripts_of(expected)
    letters = letters_by_script(text)
    total = letters.total() - letters["Zyyy"]
    if not wanted or total < FEW_LETTERS:
        return False
    return sum(letters[script] for script in wanted) < (1 - SHARE) * total


def likeliest_language(texts: list[str]) -> str | None:
    """The language of which most of some texts hold the most common words; None where fewer than half of them agree.

    Args:
        texts: in one language, a few dozen of them at least.
    """
    votes: Counter[str] = Counter()
    for text in texts:
        words = {word.lower() for word in _LETTERS.findall(text)}
        counts = {code: len(words & common_words(code)) for code in _WORDS}
        best = max(counts.values(), default=0)
        if best >= LEAST:
            votes.update(code for code, count in counts.items() if count == best)
    code, count = votes.most_common(1)[0] if votes else ("", 0)
    return code if count > len(texts) / 2 else None
