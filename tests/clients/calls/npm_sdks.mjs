// What users of OpenAI's and Anthropic's packages of npm do: `node npm_sdks.mjs URL KEY MODULES`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, key, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/x.js`);
const OpenAI = require("openai");
const { zodResponseFormat } = require("openai/helpers/zod");
const Anthropic = require("@anthropic-ai/sdk");
const { z } = require("zod");

const messages = [{ role: "user", content: "Name the three primary colours." }];
const about = { model: "smollm2", messages, max_tokens: 24, temperature: 0 };

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const listed = [];
for await (const model of openai.models.list()) listed.push(model.id);
assert.ok(listed.includes("smollm2") && listed.includes("minilm"));
const whole = await openai.chat.completions.create(about);
let streamed = "";
for await (const chunk of await openai.chat.completions.create({ ...about, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
}
assert.equal(streamed, whole.choices[0].message.content);
const City = z.object({ name: z.string().max(20), inhabitants: z.number().int() });
const parsed = await openai.chat.completions.parse({ ...about, max_tokens: 100, response_format: zodResponseFormat(City, "city") });
assert.ok(City.parse(parsed.choices[0].message.parsed));
const runner = openai.chat.completions.runTools({
  ...about,
  max_tokens: 80,
  tool_choice: { type: "function", function: { name: "weather" } },
  tools: [
    {
      type: "function",
      function: {
        name: "weather",
        parameters: { type: "object", properties: { city: { enum: ["Rome", "Oslo"] } }, required: ["city"] },
        parse: JSON.parse,
        function: ({ city }) => `sunny in ${city}`,
      },
    },
  ],
});
assert.match(await runner.finalFunctionToolCallResult(), /sunny in (Rome|Oslo)/);
const response = await openai.responses.create({ model: "smollm2", input: "Name a colour.", max_output_tokens: 16 });
assert.ok(response.output_text);
const { data } = await openai.embeddings.create({ model: "minilm", input: ["a cat", "a dog"] });
assert.deepEqual(data.map((one) => one.embedding.length), [384, 384]);
await assert.rejects(openai.chat.completions.create({ ...about, model: "nothing" }), OpenAI.NotFoundError);

const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const message = await anthropic.messages.create(about);
assert.equal(message.content[0].text, whole.choices[0].message.content);
const stream = anthropic.messages.stream(about);
let said = "";
stream.on("text", (piece) => (said += piece));
assert.equal((await stream.finalMessage()).content[0].text, said);
const tools = [{ name: "weather", input_schema: { type: "object", properties: { city: { enum: ["Rome", "Oslo"] } }, required: ["city"] } }];
const called = await anthropic.messages.create({ ...about, max_tokens: 80, tools, tool_choice: { type: "tool", name: "weather" } });
assert.equal(called.stop_reason, "tool_use");
assert.ok(["Rome", "Oslo"].includes(called.content.at(-1).input.city));
assert.ok((await anthropic.messages.countTokens({ model: "smollm2", messages })).input_tokens > 0);
const models = [];
for await (const model of anthropic.models.list()) models.push(model.id);
assert.ok(models.includes("smollm2"));
await assert.rejects(anthropic.messages.create({ ...about, model: "nothing" }), Anthropic.NotFoundError);
