"""The languages that Whisper knows, by ISO 639 code. The names are those of OpenAI's answers."""

_LANGUAGES = """
af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian, bg bulgarian, bn bengali,
bo tibetan, br breton, bs bosnian, ca catalan, cs czech, cy welsh, da danish, de german, el greek, en english,
es spanish, et estonian, eu basque, fa persian, fi finnish, fo faroese, fr french, gl galician, gu gujarati, ha hausa,
haw hawaiian, he hebrew, hi hindi, hr croatian, ht haitian creole, hu hungarian, hy armenian, id indonesian,
is icelandic, it italian, ja japanese, jw javanese, ka georgian, kk kazakh, km khmer, kn kannada, ko korean, la latin,
lb luxembourgish, ln lingala, lo lao, lt lithuanian, lv latvian, mg malagasy, mi maori, mk macedonian, ml malayalam,
mn mongolian, mr marathi, ms malay, mt maltese, my myanmar, ne nepali, nl dutch, nn nynorsk, no norwegian, oc occitan,
pa punjabi, pl polish, ps pashto, pt portuguese, ro romanian, ru russian, sa sanskrit, sd sindhi, si sinhala,
sk slovak, sl slovenian, sn shona, so somali, sq albanian, sr serbian, su sundanese, sv swedish, sw swahili, ta tamil,
te telugu, tg tajik, th thai, tk turkmen, tl tagalog, tr turkish, tt tatar, uk ukrainian, ur urdu, uz uzbek,
vi vietnamese, yi yiddish, yo yoruba, yue cantonese, zh chinese
"""

NAMES: dict[str, str] = {}
"""Code to name."""
for _pair in _LANGUAGES.split(","):
    _code, _, _name = _pair.strip().partition(" ")
    NAMES[_code] = _name

_CODES = {name: code for code, name in NAMES.items()} | {
    "mandarin": "zh",
    "castilian": "es",
    "flemish": "nl",
    "burmese": "my",
    "jv": "jw",
    "nb": "no",
}


def code_of(text: str) -> str | None:
    """The code of a language that is given as code, as code with a region ("en-US"), or by name; None if unknown."""
    wanted = text.strip().lower().replace("_", "-")
    for one in (wanted, wanted.partition("-")[0]):
        if one in NAMES:
            return one
        if one in _CODES:
            return _CODES[one]
    return None
