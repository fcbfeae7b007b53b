// What users of Vercel's AI SDK do, by two of its providers: `node ai_sdk.mjs URL KEY MODULES`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, key, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/x.js`);
const ai = require("ai");
const { createOpenAI } = require("@ai-sdk/openai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");
const { z } = require("zod");

const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const compatible = createOpenAICompatible({
  name: "headrace",
  baseURL: `${url}/v1`,
  apiKey: key,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const city = z.object({ name: z.string().max(20), country: z.string().max(20) });
const weather = ai.tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.enum(["Rome", "Oslo"]) }),
  execute: async ({ city: where }) => `sunny in ${where}`,
});
const chats = {
  "openai.chat": openai.chat("smollm2"),
  "openai.responses": openai.responses("smollm2"),
  compatible: compatible.chatModel("smollm2"),
};

for (const [name, model] of Object.entries(chats)) {
  const about = { model, temperature: 0, maxOutputTokens: 48, maxRetries: 0, prompt: "Name the three primary colours." };
  const whole = await ai.generateText(about);
  assert.ok(whole.text, name);
  assert.ok(whole.usage.outputTokens > 0, name);
  const stream = ai.streamText({ ...about, onError: ({ error }) => assert.fail(error) });
  let text = "";
  for await (const piece of stream.textStream) text += piece;
  assert.equal(text, whole.text, name);
  assert.equal((await stream.usage).outputTokens, whole.usage.outputTokens, name);
  const made = await ai.generateText({ ...about, output: ai.Output.object({ schema: city }), maxOutputTokens: 100 });
  assert.ok(city.parse(made.output), name);
  const older = await ai.generateObject({ ...about, schema: city, maxOutputTokens: 100 });
  assert.ok(city.parse(older.object), name);
  const called = await ai.generateText({
    ...about,
    tools: { weather },
    stopWhen: ai.isStepCount(2),
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber ? "none" : { type: "tool", toolName: "weather" } }),
  });
  assert.equal(called.steps[0].toolCalls[0].toolName, "weather", name);
  assert.match(called.steps[0].toolResults[0].output, /sunny in (Rome|Oslo)/, name);
  assert.ok(called.text, name);
  await assert.rejects(ai.generateText({ ...about, maxOutputTokens: 4, prompt: "word ".repeat(4000) }), /2048/, name);
}

const values = ["a cat", "a kitten", "the stock market"];
for (const model of [openai.embedding("minilm"), compatible.embeddingModel("minilm")]) {
  const { embeddings, usage } = await ai.embedMany({ model, values });
  assert.ok(usage.tokens > 0);
  const [cat, kitten, stocks] = embeddings;
  assert.ok(ai.cosineSimilarity(cat, kitten) > ai.cosineSimilarity(cat, stocks));
}
const completed = await ai.generateText({ model: compatible.completionModel("smollm2"), prompt: "The sea is", maxOutputTokens: 4 });
assert.ok(completed.text);
