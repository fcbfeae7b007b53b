"""Syllables of Mandarin as phonemes, from pinyin with the tone as a figure (``hao3``). Pure."""


def _table(lines: str) -> dict[str, str]:
    """A table of ``pinyin=phonemes``."""
    return dict(pair.split("=") for pair in lines.split())


_INITIALS = _table("b=p p=pʰ m=m f=f d=t t=tʰ n=n l=l g=k k=kʰ h=x j=ʨ q=ʨʰ x=ɕ zh=ꭧ ch=ꭧʰ sh=ʂ r=ɻ z=ʦ c=ʦʰ s=s")
_FINALS = _table(
    "a=a* ai=ai* an=a*n ang=a*ŋ ao=au* e=ɤ* ei=ei* en=ə*n eng=ə*ŋ o=wo* ou=ou* ong=ʊ*ŋ "
    "i=i* ia=ja* ian=jɛ*n iang=ja*ŋ iao=jau* ie=je* in=i*n iu=jou* ing=i*ŋ iong=jʊ*ŋ "
    "u=u* ui=wei* ua=wa* uai=wai* uan=wa*n un=wə*n uang=wa*ŋ ueng=wə*ŋ uo=wo* v=y* ve=ɥe* van=ɥɛ*n vn=y*n"
)
"""``*`` is where the tone is written."""
_ALONE = _table("er=ɚ* r=ɚ* o=ɔ* yo=jɔ* m=m* n=n* ng=ŋ* hm=hm* hng=hŋ*")
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_SPELT = _table("yu=v yi=i y=i wu=u w=u iou=iu iue=ve uei=ui uen=un")
"""How a final is written that stands alone, and what it is."""


def syllable(written: str) -> str:
    """The phonemes of one syllable; empty for what is none."""
    name, tone = written[:-1], written[-1:]
    if tone not in _TONES:
        return ""
    if name in _ALONE:
        return _ALONE[name].replace("*", _TONES[tone])
    initial, final = _parts(name)
    sounds = _FINALS.get(final)
    if sounds is None:
        return ""
    if final == "i" and initial in ("zh", "ch", "sh", "r", "z", "c", "s"):
        sounds = "ɨ*"
    return (_INITIALS[initial] if initial else "") + sounds.replace("*", _TONES[tone])


def _parts(name: str) -> tuple[str, str]:
    """The initial and the final; ``v`` is ü."""
    initial = next((one for one in sorted(_INITIALS, key=len, reverse=True) if name.startswith(one)), "")
    final = name[len(initial) :]
    if not initial:
        begin, instead = next(((one, other) for one, other in _SPELT.items() if name.startswith(one)), ("", ""))
        final = instead + name[len(begin) :]
        return "", _SPELT.get(final, final)
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "v" + final[1:]
    return initial, {"ue": "ve"}.get(final, final)
