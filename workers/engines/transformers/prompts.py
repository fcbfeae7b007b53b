"""From requests to prompts for the transformers engine: text, token ids, and what the model takes beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import InvalidRequest
from models.modalities import chat, completions
from models.modalities.chat.messages import Media
from models.modalities.tokenize import Request as Tokenize
from models.modalities.tokenize import Tokens
from workers.engines.media.pixels import PixelRange
from workers.engines.text.dialects import template_messages, template_options
from workers.engines.text.limits import ROOM, check_beginning, check_ids, too_long
from workers.engines.transformers.load import LoadedTransformer

Body = chat.Request | completions.Request
Prompt = tuple[str, list[int], Mapping[str, Any]]
"""Text (empty where a processor made the prompt), token ids, and what the model takes beside them."""


class Prompts:
    """Makes the prompts for one model. Its methods block."""

    def __init__(self, model: LoadedTransformer) -> None:
        self._model = model

    def bounded(self, body: Body, media: Sequence[Media]) -> list[Prompt]:
        """The prompts of a request, each of which leaves room for an answer. Raises InvalidRequest."""
        if isinstance(body, chat.Request):
            prompt = self._conversation(body, media, bounded=True)
            self._check(prompt[1], "messages")
            return [prompt]
        return [self._continued(prompt) for prompt in body.prompts]

    def tokens_of(self, request: Tokenize, media: Sequence[Media]) -> Tokens:
        """The tokens of the prompt that an answer would have, however many."""
        tokenizer = self._model.tokenizer
        if request.conversation is not None:
            _, ids, _ = self._conversation(request.conversation, media, opens=request.opens_answer)
        else:
            ids = list(tokenizer(request.prompt, add_special_tokens=request.add_special_tokens is not False).input_ids)
        texts = tokenizer.convert_ids_to_tokens(ids) if request.return_token_strs else None
        return Tokens(ids, texts, self._model.context)

    def text_of(self, tokens: list[int]) -> str:
        """The text of tokens. Raises InvalidRequest."""
        check_ids(tokens, self._model.vocabulary, "tokens")
        text: str = self._model.tokenizer.decode(tokens, clean_up_tokenization_spaces=False)
        return text

    def _conversation(
        self, body: chat.Request, media: Sequence[Media], *, bounded: bool = False, opens: bool = True
    ) -> Prompt:
        tokenizer, dialect, reader = self._model.tokenizer, self._model.dialect, self._model.reader
        if not tokenizer.chat_template:
            raise InvalidRequest("this model has no chat template; use /v1/completions", param="messages")
        options = template_options(body, dialect, opens=opens)
        if reader is not None:
            if bounded:
                self._check_beginning("".join(message.text for message in body.messages), "messages")
            asked = body.mm_processor_kwargs
            pixels = PixelRange(asked.min_pixels, asked.max_pixels) if asked else PixelRange()
            return "", *reader.read(template_messages(body, dialect, reader.contents(media, pixels)), **options)
        text = tokenizer.apply_chat_template(template_messages(body, dialect), tokenize=False, **options)
        if bounded:
            self._check_beginning(text, "messages")
        return text, list(tokenizer(text, add_special_tokens=False).input_ids), {}

    def _continued(self, prompt: str | list[int]) -> Prompt:
        """One prompt of a completion. It is checked before the next one is tokenized, so a bad one is refused soon."""
        if isinstance(prompt, str):
            self._check_beginning(prompt, "prompt")
            ids = list(self._model.tokenizer(prompt).input_ids)
            self._check(ids, "prompt")
            return prompt, ids, {}
        self._check(prompt, "prompt")
        return self._model.decode(prompt), prompt, {}

    def _check_beginning(self, text: str, param: str) -> None:
        tokenizer = self._model.tokenizer
        count = lambda beginning: len(tokenizer(beginning, add_special_tokens=False).input_ids)  # noqa: E731
        check_beginning(text, self._model.context, count, param)

    def _check(self, ids: list[int], param: str) -> None:
        if not ids:
            raise InvalidRequest("the prompt is empty", param=param)
        check_ids(ids, self._model.vocabulary, param)
        if len(ids) >= self._model.context:
            raise too_long(len(ids), self._model.context, param, hint=ROOM)
