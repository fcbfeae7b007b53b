// What fal's and Replicate's JavaScript clients do with jobs: `node hosters.mjs URL KEY MODULES`. Prints two ids.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, key, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/x.js`);
const { createFalClient } = require("@fal-ai/client");
const Replicate = require("replicate");

const fal = createFalClient({ credentials: key, proxyUrl: { url: `${url}/fal/proxy`, when: "always" } });
const { request_id: requestId } = await fal.queue.submit("headrace/glyphs", { input: { prompt: "a blue star", seed: 7 } });
const stream = await fal.queue.streamStatus("headrace/glyphs", { requestId });
const states = [];
for await (const status of stream) states.push(status.status);
assert.equal(states.at(-1), "COMPLETED");
const made = await fal.queue.result("headrace/glyphs", { requestId });
assert.equal(made.data.images.length, 1);
const said = await fal.subscribe("headrace/echo", { input: { prompt: "hello", max_tokens: 2 } });
assert.equal(said.data.output, "hello hello");
const slow = await fal.queue.submit("headrace/slow", { input: { prompt: "on", max_tokens: 5000 } });
await fal.queue.cancel("headrace/slow", { requestId: slow.request_id });
const end = await fal.queue.subscribeToStatus("headrace/slow", { requestId: slow.request_id });
assert.equal(end.error_type, "cancelled");

const replicate = new Replicate({ auth: key, baseUrl: `${url}/v1`, useFileOutput: false });
const drawn = await replicate.run("headrace/glyphs", { input: { prompt: "a red seven", seed: 7 } });
assert.equal(drawn.length, 1);
const image = Buffer.from(await (await fetch(drawn[0])).arrayBuffer());
const changed = await replicate.run("headrace/glyphs", { input: { prompt: "a blue seven", image } }); // uploads it
assert.equal(changed.length, 1);
const seen = await replicate.predictions.get(requestId);
assert.equal(seen.status, "succeeded");
const other = await replicate.predictions.create({ version: "slow", input: { prompt: "on", max_tokens: 5000 } });
await replicate.predictions.cancel(other.id);
assert.equal((await replicate.wait(other)).status, "canceled");
const page = await replicate.predictions.list();
assert.ok(page.results.some((one) => one.id === requestId));
await assert.rejects(replicate.predictions.create({ version: "nothing", input: {} }), /404/);
console.log(requestId);
