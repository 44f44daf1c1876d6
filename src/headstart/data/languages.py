"""Languages by their codes: ISO 639-1 and 639-3, bare or in tags such as `de-AT`, `de_DE` and `deu_Latn`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from headstart.errors import quoted
from headstart.registry import did_you_mean, near

_CODES = """
aa aar Afar;ab abk Abkhazian;ae ave Avestan;af afr Afrikaans;ak aka Akan;am amh Amharic;an arg Aragonese;ar ara Arabic;
as asm Assamese;av ava Avaric;ay aym Aymara;az aze Azerbaijani;ba bak Bashkir;be bel Belarusian;bg bul Bulgarian;
bi bis Bislama;bm bam Bambara;bn ben Bengali;bo bod Tibetan;br bre Breton;bs bos Bosnian;ca cat Catalan;ce che Chechen;
ch cha Chamorro;co cos Corsican;cr cre Cree;cs ces Czech;cu chu Church Slavic;cv chv Chuvash;cy cym Welsh;da dan Danish;
de deu German;dv div Dhivehi;dz dzo Dzongkha;ee ewe Ewe;el ell Greek;en eng English;eo epo Esperanto;es spa Spanish;
et est Estonian;eu eus Basque;fa fas Persian;ff ful Fulah;fi fin Finnish;fj fij Fijian;fo fao Faroese;fr fra French;
fy fry Western Frisian;ga gle Irish;gd gla Scottish Gaelic;gl glg Galician;gn grn Guarani;gu guj Gujarati;gv glv Manx;
ha hau Hausa;he heb Hebrew;hi hin Hindi;ho hmo Hiri Motu;hr hrv Croatian;ht hat Haitian;hu hun Hungarian;hy hye Armenian;
hz her Herero;ia ina Interlingua;id ind Indonesian;ie ile Interlingue;ig ibo Igbo;ii iii Sichuan Yi;ik ipk Inupiaq;
io ido Ido;is isl Icelandic;it ita Italian;iu iku Inuktitut;ja jpn Japanese;jv jav Javanese;ka kat Georgian;kg kon Kongo;
ki kik Kikuyu;kj kua Kuanyama;kk kaz Kazakh;kl kal Kalaallisut;km khm Khmer;kn kan Kannada;ko kor Korean;kr kau Kanuri;
ks kas Kashmiri;ku kur Kurdish;kv kom Komi;kw cor Cornish;ky kir Kyrgyz;la lat Latin;lb ltz Luxembourgish;lg lug Ganda;
li lim Limburgish;ln lin Lingala;lo lao Lao;lt lit Lithuanian;lu lub Luba-Katanga;lv lav Latvian;mg mlg Malagasy;
mh mah Marshallese;mi mri Maori;mk mkd Macedonian;ml mal Malayalam;mn mon Mongolian;mr mar Marathi;ms msa Malay;mt mlt Maltese;
my mya Burmese;na nau Nauru;nb nob Norwegian Bokmal;nd nde North Ndebele;ne nep Nepali;ng ndo Ndonga;nl nld Dutch;
nn nno Norwegian Nynorsk;no nor Norwegian;nr nbl South Ndebele;nv nav Navajo;ny nya Nyanja;oc oci Occitan;oj oji Ojibwa;
om orm Oromo;or ori Odia;os oss Ossetian;pa pan Punjabi;pi pli Pali;pl pol Polish;ps pus Pashto;pt por Portuguese;
qu que Quechua;rm roh Romansh;rn run Rundi;ro ron Romanian;ru rus Russian;rw kin Kinyarwanda;sa san Sanskrit;sc srd Sardinian;
sd snd Sindhi;se sme Northern Sami;sg sag Sango;sh hbs Serbo-Croatian;si sin Sinhala;sk slk Slovak;sl slv Slovenian;
sm smo Samoan;sn sna Shona;so som Somali;sq sqi Albanian;sr srp Serbian;ss ssw Swati;st sot Southern Sotho;su sun Sundanese;
sv swe Swedish;sw swa Swahili;ta tam Tamil;te tel Telugu;tg tgk Tajik;th tha Thai;ti tir Tigrinya;tk tuk Turkmen;
tl tgl Tagalog;tn tsn Tswana;to ton Tongan;tr tur Turkish;ts tso Tsonga;tt tat Tatar;tw twi Twi;ty tah Tahitian;ug uig Uyghur;
uk ukr Ukrainian;ur urd Urdu;uz uzb Uzbek;ve ven Venda;vi vie Vietnamese;vo vol Volapuk;wa wln Walloon;wo wol Wolof;
xh xho Xhosa;yi yid Yiddish;yo yor Yoruba;za zha Zhuang;zh zho Chinese;zu zul Zulu
"""
"""Every code of ISO 639-1, that of ISO 639-3 for the same language, and its name."""
_OLDER = {
    "alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "chi": "zh", "cmn": "zh", "cze": "cs", "dut": "nl", "fre": "fr",
    "geo": "ka", "ger": "de", "gre": "el", "ice": "is", "mac": "mk", "mao": "mi", "may": "ms", "per": "fa", "rum": "ro",
    "slo": "sk", "tib": "bo", "wel": "cy", "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "jp": "ja", "cz": "cs",
    "arb": "ar", "pes": "fa", "swh": "sw", "zsm": "ms", "khk": "mn", "lvs": "lv", "als": "sq", "azj": "az", "npi": "ne",
    "ory": "or", "pbt": "ps", "plt": "mg", "uzn": "uz", "ydd": "yi", "ekk": "et", "gaz": "om", "quy": "qu", "ayr": "ay",
    "fuv": "ff", "knc": "kr", "kmr": "ku",
}  # fmt: skip
"""Bibliographic codes of ISO 639-2, withdrawn ones, and single languages that stand for a group in multilingual models."""
_FURTHER = frozenset((
    "ace", "acm", "acq", "aeb", "ajp", "apc", "ars", "ary", "arz", "ast", "awa", "azb", "ban", "bar", "bem", "bho", "bjn", "brx",
    "bug", "ceb", "chr", "cjk", "ckb", "crh", "csb", "dik", "doi", "dsb", "dyu", "fil", "fon", "frp", "fur", "gom", "gos", "grc",
    "gsw", "haw", "hil", "hmn", "hne", "hsb", "ilo", "inh", "jbo", "kab", "kac", "kam", "kbp", "kea", "kmb", "krc", "ksh", "lad",
    "lij", "lmo", "ltg", "lua", "luo", "lus", "lzh", "mad", "mag", "mai", "mhr", "min", "mni", "mos", "myv", "nan", "nap", "nds",
    "nov", "nqo", "nso", "nus", "pag", "pap", "pcm", "pms", "prs", "sah", "sat", "scn", "sco", "shn", "smn", "sms", "srn", "szl",
    "taq", "tet", "tok", "tpi", "tum", "tyv", "tzm", "udm", "umb", "vec", "vep", "vls", "war", "wuu", "xmf", "yue", "zgh",
))  # fmt: skip
"""Codes of ISO 639-3 that have no two letters and stand in corpora and models all the same."""


class Language(NamedTuple):
    """A language that a code stands for."""

    code: str
    """Two letters where there is such a code, else three; in lower case."""
    name: str
    """In English; the code where it is not known."""

    @property
    def said(self) -> str:
        """How people are told of it."""
        return self.name if self.name == self.code else f"{self.name} ({self.code})"


@cache
def _known() -> dict[str, Language]:
    found: dict[str, Language] = {}
    for entry in _CODES.replace("\n", "").split(";"):
        two, three, name = entry.split(" ", 2)
        found |= dict.fromkeys((two, three), Language(two, name))
    found |= {code: found[own] for code, own in _OLDER.items()}
    return found | {code: Language(code, code) for code in _FURTHER}


def language_of(tag: str) -> Language | None:
    """The language of a code or tag, whatever region or script stands behind it; None where it is none."""
    match = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_@][A-Za-z0-9]{1,8})*", tag.strip())
    return _known().get(match[1].lower()) if match else None


def require_language(tag: str) -> str:
    """A code or tag as it is.

    Raises:
        ValueError: it stands for no language; the code that may have been meant is named.
    """
    if language_of(tag):
        return tag
    by_name = {language.name.casefold(): language.code for language in _known().values()}
    wanted = re.split(r"[-_@]", tag.strip().casefold())[0]
    name = near(wanted, list(by_name))
    hint = f"; did you mean {quoted(by_name[name])}?" if name else did_you_mean(wanted, sorted(_known()))
    raise ValueError(
        f"{quoted(tag)} is no code of a language{hint}; codes are those of ISO 639, such as 'de', 'deu', 'de-AT' and 'deu_Latn'"
    )


def same_language(one: str, other: str) -> bool:
    """Whether two codes or tags stand for one language; two that stand for none are compared as they are."""
    found = language_of(one), language_of(other)
    if None in found:
        return one.casefold() == other.casefold()
    return found[0] == found[1]
