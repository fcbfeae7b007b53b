// What a user of OpenAI's package of npm does with videos: `node videos.mjs URL KEY MODULES`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, key, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/x.js`);
const OpenAI = require("openai");

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let video = await openai.videos.create({ model: "film", prompt: "a bar", seconds: "2", size: "96x64" });
while (["queued", "in_progress"].includes(video.status)) {
  await wait(100);
  video = await openai.videos.retrieve(video.id);
}
assert.deepEqual([video.status, video.progress, video.seconds, video.size], ["completed", 100, "2.125", "96x64"]);
const content = Buffer.from(await (await openai.videos.downloadContent(video.id)).arrayBuffer());
assert.equal(content.subarray(4, 8).toString(), "ftyp");
const thumbnail = await (await openai.videos.downloadContent(video.id, { variant: "thumbnail" })).blob();
const file = await OpenAI.toFile(thumbnail, "frame.webp", { type: "image/webp" });
const begun = await openai.videos.create({ model: "film", prompt: "it goes on", input_reference: file });
const referred = await openai.videos.create({
  model: "film",
  prompt: "an object",
  input_reference: { image_url: `data:image/webp;base64,${Buffer.from(await thumbnail.arrayBuffer()).toString("base64")}` },
});
const remix = await openai.videos.remix(video.id, { prompt: "a star" });
assert.equal(remix.remixed_from_video_id, video.id);
const listed = [];
for await (const one of openai.videos.list({ limit: 2 })) listed.push(one.id);
assert.deepEqual(listed, [remix.id, referred.id, begun.id, video.id].concat(listed.slice(4)));
assert.ok((await openai.videos.delete(video.id)).deleted);
await assert.rejects(openai.videos.retrieve(video.id), OpenAI.NotFoundError);
await assert.rejects(openai.videos.create({ model: "film", prompt: "x", seconds: "abc" }), OpenAI.BadRequestError);
