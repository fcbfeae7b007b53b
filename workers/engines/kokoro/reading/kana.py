"""Japanese syllables as phonemes, and numbers as syllables. Pure."""

_VOWELS = dict(zip("アイウエオ", ("a", "i", "ɯ", "e", "o"), strict=True))
_ROWS = {
    "カキクケコ": ("ka", "kʲi", "kɯ", "ke", "ko"),
    "ガギグゲゴ": ("ɡa", "ɡʲi", "ɡɯ", "ɡe", "ɡo"),
    "サシスセソ": ("sa", "ɕi", "sɨ", "se", "so"),
    "ザジズゼゾ": ("ʣa", "ʥi", "zɨ", "ʣe", "ʣo"),
    "タチツテト": ("ta", "ʨi", "ʦɨ", "te", "to"),
    "ダヂヅデド": ("da", "ʥi", "zɨ", "de", "do"),
    "ナニヌネノ": ("na", "ɲi", "nɯ", "ne", "no"),
    "ハヒフヘホ": ("ha", "çi", "ɸɯ", "he", "ho"),
    "バビブベボ": ("ba", "bʲi", "bɯ", "be", "bo"),
    "パピプペポ": ("pa", "pʲi", "pɯ", "pe", "po"),
    "マミムメモ": ("ma", "mʲi", "mɯ", "me", "mo"),
    "ラリルレロ": ("ɾa", "ɾʲi", "ɾɯ", "ɾe", "ɾo"),
    "ワヰヱヲ": ("βa", "i", "e", "o"),
    "ヤユヨ": ("ja", "jɯ", "jo"),
    "ヵヶヮ": ("ka", "ke", "βa"),
    "ァィゥェォ": ("a", "i", "ɯ", "e", "o"),
    "ャュョ": ("ja", "jɯ", "jo"),
    "ヴヷヸヹヺ": ("vɯ", "va", "vʲi", "ve", "vo"),
}
_ONE = _VOWELS | {kana: sound for row, sounds in _ROWS.items() for kana, sound in zip(row, sounds, strict=True)}
_GLIDES = {"ャ": "a", "ュ": "ɨ", "ョ": "o"}
"""Small kana behind one that ends in i: きゃ."""
_SMALL = {"ァ": "a", "ィ": "i", "ゥ": "ɯ", "ェ": "e", "ォ": "o"}
"""Small vowels behind another kana take the place of its vowel: ファ."""
_SOFT = {"t": "tʲ", "d": "dʲ", "ɸ": "ɸʲ", "ʦ": "ʦʲ", "v": "vʲ"}
"""Consonants that are softer before a small ィ or ュ: ティ, フュ."""
_BEFORE: tuple[tuple[str, str], ...] = (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾz", "n"))
"""How ン sounds before a sound that begins so."""

_DIGITS = ("", "イチ", "ニ", "サン", "ヨン", "ゴ", "ロク", "ナナ", "ハチ", "キュー")
_HUNDREDS = {1: "ヒャク", 3: "サンビャク", 6: "ロッピャク", 8: "ハッピャク"}
_THOUSANDS = {1: "セン", 3: "サンゼン", 8: "ハッセン"}
_GROUPS = ("", "マン", "オク", "チョー", "ケー")
_KANJI = dict(zip("〇零一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "億": 10**8, "兆": 10**12}
KANJI_DIGITS = frozenset(_KANJI) | _TENS.keys() | _MYRIADS.keys()


def katakana(text: str) -> str:
    """The text with its hiragana as katakana."""
    return "".join(chr(ord(one) + 0x60) if "ぁ" <= one <= "ゖ" else one for one in text)


def phonemes(kana: str) -> str:
    """The sounds of katakana; what is none is left out."""
    made: list[str] = []
    position = 0
    while position < len(kana):
        sound, length = _syllable(kana, position)
        made.append(sound)
        position += length
    return "".join(made)


def _syllable(kana: str, position: int) -> tuple[str, int]:
    """The sound at this position, and how many kana it takes."""
    one, following = kana[position], kana[position + 1 : position + 2]
    if one == "ー":
        return ("ː" if position else ""), 1
    if one == "ッ":
        return ("ʔ" if following in _ONE else ""), 1
    if one == "ン":
        begin = _syllable(kana, position + 1)[0][:1] if following else ""
        return next((nasal for starts, nasal in _BEFORE if begin and begin in starts), "ɴ"), 1
    sound = _ONE.get(one, "")
    if sound and following in _GLIDES:
        return _gliding(sound, _GLIDES[following]), 2
    if sound and following in _SMALL and one not in _SMALL:
        return _replaced(one, sound, _SMALL[following]), 2
    return sound, 1


def _gliding(sound: str, vowel: str) -> str:
    stem = sound[:-1]
    if sound[-1] == "i" or not stem:
        return (stem or "j") + vowel
    return _SOFT.get(stem, stem + "ʲ") + vowel


def _replaced(one: str, sound: str, vowel: str) -> str:
    stem = sound[:-1]
    if not stem:  # ウィ, イェ
        return {"ウ": "β", "イ": "j"}.get(one, "") + vowel
    if one in "クグ":
        return stem + "ᵝ" + vowel
    return (_SOFT.get(stem, stem) if vowel == "i" else stem) + vowel


def number(digits: str) -> str:
    """A whole number in katakana; one that has no name, or begins with 0, is read digit by digit."""
    if len(digits) > 4 * len(_GROUPS) or (digits[0] == "0" and len(digits) > 1):
        return "".join(_DIGITS[int(one)] or "ゼロ" for one in digits)
    value, made = int(digits), ""
    if value == 0:
        return "ゼロ"
    for group in _GROUPS:
        value, part = divmod(value, 10_000)
        if part:
            made = _below_myriad(part) + group + made
    return made


def _below_myriad(value: int) -> str:
    thousands, rest = divmod(value, 1000)
    hundreds, rest = divmod(rest, 100)
    tens, ones = divmod(rest, 10)
    made = _THOUSANDS.get(thousands, _DIGITS[thousands] + "セン") if thousands else ""
    made += _HUNDREDS.get(hundreds, _DIGITS[hundreds] + "ヒャク") if hundreds else ""
    made += ("" if tens == 1 else _DIGITS[tens]) + "ジュー" if tens else ""
    return made + _DIGITS[ones]


def from_kanji(text: str) -> str:
    """A number of kanji, such as 三百二十, in figures; figures in a row, such as 二〇二六, one by one."""
    if all(one in _KANJI for one in text):
        return "".join(str(_KANJI[one]) for one in text)
    whole = part = digit = 0
    for one in text:
        if one in _KANJI:
            digit = digit * 10 + _KANJI[one]
        elif one in _TENS:
            part, digit = part + (digit or 1) * _TENS[one], 0
        else:
            whole, part, digit = whole + (part + digit or 1) * _MYRIADS[one], 0, 0
    return str(whole + part + digit)
