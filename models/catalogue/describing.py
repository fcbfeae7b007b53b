"""What an entry is, in a sentence of English and one of Chinese, made from its facts alone. Pure."""

from models.catalogue.entries import Family
from models.catalogue.plans import label

_KINDS: dict[str, tuple[str, str]] = {
    "LLM": ("language model", "语言模型"),
    "embedding": ("embedding model", "文本嵌入模型"),
    "rerank": ("reranker", "重排序模型"),
    "image": ("image model", "图像模型"),
    "audio": ("audio model", "音频模型"),
    "video": ("video model", "视频生成模型"),
}
_ABLE: dict[str, tuple[str, str]] = {
    "chat": ("chats", "对话"),
    "vision": ("sees pictures", "看图"),
    "audio": ("hears", "听音频"),
    "omni": ("speaks", "语音输出"),
    "tools": ("calls tools", "调用工具"),
    "reasoning": ("reasons before it answers", "先推理再回答"),
    "text2image": ("draws from a text", "文生图"),
    "image2image": ("redraws pictures", "图生图"),
    "inpainting": ("fills in parts of pictures", "局部重绘"),
    "ocr": ("reads text in pictures", "识别图中文字"),
    "audio2text": ("writes down speech", "语音识别"),
    "text2audio": ("speaks a text", "语音合成"),
    "text2audio_voice_cloning": ("imitates voices", "声音克隆"),
    "text2music": ("makes music", "生成音乐"),
    "speaker_embedding": ("tells speakers apart", "声纹识别"),
    "text2video": ("makes videos from a text", "文生视频"),
    "image2video": ("makes videos from a picture", "图生视频"),
    "firstlastframe2video": ("makes videos from a first and a last frame", "首尾帧生视频"),
}
_TONGUES: dict[str, tuple[str, str]] = {
    "en": ("English", "英语"),
    "zh": ("Chinese", "中文"),
    "de": ("German", "德语"),
    "fr": ("French", "法语"),
    "es": ("Spanish", "西班牙语"),
    "it": ("Italian", "意大利语"),
    "pt": ("Portuguese", "葡萄牙语"),
    "ja": ("Japanese", "日语"),
    "ko": ("Korean", "韩语"),
    "ru": ("Russian", "俄语"),
    "ar": ("Arabic", "阿拉伯语"),
    "multilingual": ("many languages", "多语言"),
}


def in_english(family: Family) -> str:
    """A sentence such as "qwen2.5-instruct is a language model that chats; 0.5 to 72 billion parameters; …"."""
    able = [_ABLE[one][0] for one in family.abilities if one in _ABLE]
    that = f" that {', '.join(able)}" if able else ""
    kind = _KINDS[family.type][0]
    parts = [f"{family.name} is {'an' if kind[0] in 'aeiou' else 'a'} {kind}{that}"]
    if sizes := _sizes(family, " to "):
        parts.append(f"{sizes} billion parameters")
    parts += _english_numbers(family)
    if tongues := _tongues(family, 0, ", "):
        parts.append(f"for {tongues}")
    if not family.engines:
        parts.append(f"not run here: {family.unserved}" if family.unserved else "its files say which engine runs it")
    return "; ".join(parts) + "."


# ruff: noqa: RUF001
def in_chinese(family: Family) -> str:
    """The same in Chinese, but for why no engine runs it."""
    able = [_ABLE[one][1] for one in family.abilities if one in _ABLE]
    parts = [f"{family.name} 是{_KINDS[family.type][1]}"]
    if able:
        parts.append(f"能力：{'、'.join(able)}")
    if sizes := _sizes(family, "–"):
        parts.append(f"参数量 {sizes}B")
    if family.dimensions:
        parts.append(f"向量 {family.dimensions} 维")
    if family.context:
        parts.append(f"上下文 {family.context} 词元")
    if tongues := _tongues(family, 1, "、"):
        parts.append(f"语言：{tongues}")
    if not family.engines:
        parts.append("目前没有引擎可以运行" if family.unserved else "由哪个引擎运行，启动时由其文件决定")
    return "，".join(parts) + "。"


def _english_numbers(family: Family) -> list[str]:
    vectors = [f"vectors of {family.dimensions} numbers"] if family.dimensions else []
    return [*vectors, *([f"a context of {family.context} tokens"] if family.context else [])]


def _sizes(family: Family, between: str) -> str:
    """The smallest and the largest size; "" where none is known."""
    ends = dict.fromkeys(map(label, (family.sizes[0], family.sizes[-1]))) if family.sizes else {}
    return between.join(ends)


def _tongues(family: Family, which: int, between: str) -> str:
    """The languages by name, or how many there are."""
    known = [_TONGUES[one][which] for one in family.languages if one in _TONGUES]
    if len(family.languages) > 6 or len(known) < len(family.languages):
        more = len(family.languages)
        return f"{more} languages" if which == 0 else f"{more} 种语言"
    return between.join(known)
