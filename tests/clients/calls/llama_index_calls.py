"""What a user of LlamaIndex does. Run with its interpreter: ``python llama_index_calls.py URL KEY``."""

import sys

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def main(url: str, key: str) -> None:
    """Chat, stream, complete, call a function, and ask an index."""
    base = f"{url}/v1"
    model = OpenAILike(
        model="smollm2",
        api_base=base,
        api_key=key,
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=2048,
        temperature=0,
        max_tokens=48,
        max_retries=0,
    )
    question = [ChatMessage(role="user", content="Name the three primary colours.")]
    answer = model.chat(question)
    assert answer.message.content
    assert "".join(one.delta or "" for one in model.stream_chat(question)) == answer.message.content
    assert model.complete("Name a colour.").text

    called = model.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="What is 2 + 3?", tool_required=True)
    [call] = model.get_tool_calls_from_response(called)
    assert call.tool_name == "add"
    assert all(isinstance(one, int) for one in call.tool_kwargs.values())

    embedding = OpenAILikeEmbedding(model_name="minilm", api_base=base, api_key=key, embed_batch_size=8)
    texts = ["Bananas are yellow.", "Paris is the capital of France.", "The sea is deep."]
    index = VectorStoreIndex.from_documents([Document(text=one) for one in texts], embed_model=embedding)
    [found] = index.as_retriever(similarity_top_k=1).retrieve("Which city is France's capital?")
    assert found.get_content() == texts[1]
    assert str(index.as_query_engine(llm=model, similarity_top_k=1).query("Which city is France's capital?"))


if __name__ == "__main__":
    main(*sys.argv[1:])
