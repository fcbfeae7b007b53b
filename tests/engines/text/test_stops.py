"""Stop strings, against the plain definition: cut the whole text before the first that is complete."""

from hypothesis import given
from hypothesis import strategies as st

from workers.engines.text.stops import StopScanner

_TEXT = st.text("abc", max_size=40)
_STOPS = st.lists(st.text("abc", min_size=1, max_size=4), max_size=3)


@given(st.lists(_TEXT, max_size=12), _STOPS)
def test_what_is_shown_is_what_precedes_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    scanner = StopScanner(stops)
    shown, heard, stopped = "", "", False
    for piece in pieces:
        heard += piece
        text, stopped = scanner.feed(piece)
        shown += text
        assert not any(stop in shown for stop in stops)
        if stopped:
            break
    if not stopped:
        shown += scanner.flush()

    cuts = [heard.find(stop) for stop in stops if stop in heard]
    assert stopped == bool(cuts)
    assert shown == heard[: min(cuts, default=len(heard))]
    assert scanner.met in (stops if stopped else [""])
    assert not stopped or heard.startswith(shown + scanner.met)


def test_no_more_is_held_back_than_a_stop_string_may_need() -> None:
    scanner = StopScanner(["\nUser:"])

    assert scanner.feed("Hello\nUs") == ("Hello", False)
    assert scanner.feed("ually") == ("\nUsually", False)
    assert scanner.feed("\nUser: hi") == ("", True)
