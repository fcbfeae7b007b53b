"""What a user of instructor does. Run with its interpreter: ``python instructor_calls.py URL KEY``."""

import asyncio
import sys
from typing import Any, Literal

import instructor
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, Field

MESSAGES = [{"role": "user", "content": "Extract: Jason is 25 years old and lives in Rome."}]


class Address(BaseModel):
    """Where somebody lives."""

    city: str = Field(max_length=20)
    street: str | None = Field(None, max_length=20)


class Person(BaseModel):
    """Somebody."""

    name: str = Field(description="their first name", max_length=20)
    age: int = Field(ge=0, le=150)
    mood: Literal["glad", "sad"]
    address: Address | None = None


def main(url: str, key: str) -> None:
    """A person out of each mode in which the server holds the model to the schema: whole, in parts, awaited."""
    about: Any = {"base_url": f"{url}/v1", "api_key": key, "max_retries": 0}
    wanted: Any = {
        "model": "smollm2",
        "messages": MESSAGES,
        "response_model": Person,
        "max_retries": 0,
        "max_tokens": 200,
        "temperature": 0,
    }
    for mode in (instructor.Mode.TOOLS, instructor.Mode.TOOLS_STRICT, instructor.Mode.JSON_SCHEMA):
        client = instructor.from_openai(OpenAI(**about), mode=mode)
        person = client.create(**wanted)
        assert isinstance(person, Person), (mode, person)
        *_, last = client.create_partial(**wanted)
        assert isinstance(Person.model_validate(last.model_dump()), Person), (mode, last)
    waiting = instructor.from_openai(AsyncOpenAI(**about), mode=instructor.Mode.TOOLS)
    assert isinstance(asyncio.run(waiting.create(**wanted)), Person)


if __name__ == "__main__":
    main(*sys.argv[1:])
