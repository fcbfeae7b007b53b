"""How texts become phonemes: tables of pure functions, and the dictionaries of the languages."""

import json
import random
from pathlib import Path

import pytest
from hibari.tts import ASSETS

from workers.engines.kokoro.reading import chinese, kana, pinyin
from workers.engines.kokoro.reading.base import Reader, script, sounding, tidy
from workers.engines.kokoro.reading.readers import Readers


@pytest.fixture(scope="module")
def readers() -> Readers:
    """The readers of all languages."""
    return Readers()


@pytest.mark.parametrize(
    ("written", "sounds"),
    [
        ("コンニチワ", "koɲɲiʨiβa"),
        ("ガッコー", "ɡaʔkoː"),
        ("キャッシュ", "kʲaʔɕɨ"),
        ("ジャズ", "ʥazɨ"),
        ("パーティー", "paːtʲiː"),
        ("ファン", "ɸaɴ"),
        ("ウィキ", "βikʲi"),
        ("シンブン", "ɕimbɯɴ"),
        ("テンキ", "teŋkʲi"),
        ("クォーツ", "kᵝoːʦɨ"),
        ("フュージョン", "ɸʲɨːʥoɴ"),
        ("ヴァイオリン", "vaioɾʲiɴ"),
        ("リョコー", "ɾʲokoː"),
        ("ーッ漢a", ""),
    ],
)
def test_kana_have_their_sounds(written: str, sounds: str) -> None:
    assert kana.phonemes(written) == sounds
    assert kana.phonemes(kana.katakana(written)) == sounds


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ("0", "ゼロ"),
        ("10", "ジュー"),
        ("300", "サンビャク"),
        ("1600", "センロッピャク"),
        ("8800", "ハッセンハッピャク"),
        ("10000", "イチマン"),
        ("20030", "ニマンサンジュー"),
        ("100000000", "イチオク"),
        ("007", "ゼロゼロナナ"),
        ("1" * 21, "イチ" * 21),
    ],
)
def test_numbers_are_said_in_japanese(figures: str, said: str) -> None:
    assert kana.number(figures) == said


@pytest.mark.parametrize(
    ("kanji", "figures"),
    [("三百六十五", "365"), ("二〇二六", "2026"), ("十", "10"), ("三万二千", "32000"), ("一億五", "100000005")],
)
def test_numbers_of_kanji_are_read(kanji: str, figures: str) -> None:
    assert kana.from_kanji(kanji) == figures


@pytest.mark.parametrize(
    ("written", "sounds"),
    [
        *[("hao3", "xau↓"), ("zhi4", "ꭧɨ↘"), ("zi4", "ʦɨ↘"), ("qi4", "ʨʰi↘"), ("ju2", "ʨy↗"), ("lve4", "lɥe↘")],
        *[("yuan2", "ɥɛ↗n"), ("yan2", "jɛ↗n"), ("you3", "jou↓"), ("ying1", "i→ŋ"), ("weng1", "wə→ŋ"), ("wu3", "u↓")],
        *[("er2", "ɚ↗"), ("shui3", "ʂwei↓"), ("xiong2", "ɕjʊ↗ŋ"), ("de5", "tɤ"), ("a1", "a→"), ("bo1", "pwo→")],
        *[("", ""), ("好", ""), ("xyz3", ""), ("hao", "")],
    ],
)
def test_syllables_of_mandarin_have_their_sounds(written: str, sounds: str) -> None:
    assert pinyin.syllable(written) == sounds


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *[(("0", "", ""), "零"), (("10", "", ""), "十"), (("105", "", ""), "一百零五"), (("110", "", ""), "一百一十")],
        *[
            (("10005", "", ""), "一万零五"),
            (("123456", "", ""), "十二万三千四百五十六"),
            (("3", "5", "%"), "百分之三点五"),
        ],
        *[(("100000000", "", ""), "一亿"), (("07", "", ""), "零七"), (("2" * 17, "", ""), "二" * 17)],
    ],
)
def test_numbers_are_said_in_mandarin(number: tuple[str, str, str], said: str) -> None:
    assert chinese.number(*number) == said


@pytest.mark.parametrize(
    ("code", "text", "phonemes", "unsaid"),
    [
        ("ja", "こんにちは。今日は良い天気です！", "koɲɲiʨiβa. kʲoː βa joi teŋkʲidesɨ!", 0),
        ("ja", "学校へ行きました、三百円で。", "ɡaʔkoː e ikʲimaɕita, sambʲakɯeɴ de.", 0),
        ("ja", "1,300円と3.14", "seɴsambʲakɯeɴ to saɴteɴiʨijoɴ", 0),
        ("ja", "ﾃﾞｰﾀ「ピザ」5%", "deːta “pʲiʣa” ɡopaːsento", 0),
        ("ja", "Tomを呼ぶ🎉 Привет", "tˈɑm o jobɯ", 7),
        ("zh", "你好，世界！", "ni↓xau↓, ʂɨ↘ʨje↘!", 0),
        ("zh", "臺灣有Tom。カ🎉", "tʰai↗ wa→njou↓ tˈɑm.", 2),
        ("zh", "3.5%", "pai↓fə→nꭧɨ→sa→ntjɛ↓n u↓", 0),
        ("en-us", "Dr. Smith is here.", "dˈɑktəɹ smˈɪθ ɪz hˈɪɹ.", 0),
        ("en-gb", "Hello there.", "həlˈQ ðˈɛː.", 0),
        ("en-us", "Hello 世界 Мир 🎉.", "həlˈO.", 6),
    ],
)
def test_each_language_is_read(readers: Readers, code: str, text: str, phonemes: str, unsaid: int) -> None:
    read: Reader = readers[code]
    reading = read(text)

    assert (reading.phonemes, reading.unsaid) == (phonemes, unsaid)


def test_words_that_english_does_not_know_are_counted(readers: Readers) -> None:
    assert readers["en-us"]("Guten Morgen, wie geht es Ihnen heute?").strange >= 3
    assert readers["en-us"]("The weather is fine.").strange == 0
    assert readers["en-us"]("1" * 40).phonemes.count("wˈʌn") == 40


def test_characters_are_told_apart() -> None:
    told = {one: script(one) for one in "aéあカー漢々3。 🎉я"}
    assert told == dict(
        zip(
            "aéあカー漢々3。 🎉я",
            ["latin", "latin", "kana", "kana", "kana", "han", "han", "digit", "mark", "mark", "other", "other"],
            strict=True,
        )
    )
    assert sounding("Привет, 🎉!") == 7
    assert tidy("a , b“ c ”d ( e )") == "a, b “c” d (e)"


def test_whatever_is_written_is_read_in_phonemes_of_the_network(readers: Readers) -> None:
    known = json.loads((Path(ASSETS) / "vocab.json").read_text())
    scripts = [
        *("あいっゃょーんァヴヽゝ々", "三百〇零万億兆", "0123456789.,%-", "漢字今日", "你好臺灣", "abC Dr. 'n’ "),
        *(
            "。、！？「」（）…〜\n\t　",
            "🎉×€$&@#*^_+<|\\~`",
            "ﾃﾞ㍿①Ⅻ㎏½",
            "Приветעहि한ไ",
            "\u200b\u0301\ufe0f\u2028\x01\x7f",
        ),
    ]
    chance = random.Random(7)
    for _ in range(250):
        text = "".join(chance.choice(chance.choice(scripts)) for _ in range(chance.randint(1, 30)))
        for code in ("ja", "zh", "en-us", "en-gb"):
            reading = readers[code](text)
            assert {one for one in reading.phonemes if one.isalpha()} <= known.keys(), (code, text)
            assert reading.unsaid >= 0, (code, text)
