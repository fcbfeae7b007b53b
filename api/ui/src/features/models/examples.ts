import type { Model } from "../../api/types";
import type { Example } from "../../parts/example";

/** A request that the model answers, by its type and what it is able to do. Pure. */
export function exampleOf(model: Pick<Model, "id" | "model_type" | "model_ability">): Example {
  const able = (ability: string) => model.model_ability.includes(ability);
  const body = { model: model.id };
  switch (model.model_type) {
    case "embedding":
      return {
        path: "embeddings",
        body: { ...body, input: ["Water flows downhill."] },
        call: "embeddings.create",
        print: "answer.data[0].embedding",
      };
    case "rerank":
      return {
        path: "rerank",
        body: { ...body, query: "Where does water flow?", documents: ["Downhill.", "A mill grinds corn."] },
      };
    case "image":
      return {
        path: "images/generations",
        body: { ...body, prompt: "a water mill" },
        call: "images.generate",
        print: "answer.data[0].url or answer.data[0].b64_json[:80]",
      };
    case "audio":
      return able("audio2text")
        ? {
            path: "audio/transcriptions",
            body,
            upload: "speech.mp3",
            call: "audio.transcriptions.create",
            print: "answer.text",
          }
        : { path: "audio/speech", body: { ...body, input: "Hello." }, save: "speech.mp3" };
    case "video":
      return { path: "videos", body: { ...body, prompt: "a water mill" } };
    default:
      return able("chat")
        ? {
            path: "chat/completions",
            body: { ...body, messages: [{ role: "user", content: "Hello" }] },
            call: "chat.completions.create",
            print: "answer.choices[0].message.content",
          }
        : {
            path: "completions",
            body: { ...body, prompt: "Water flows", max_tokens: 32 },
            call: "completions.create",
            print: "answer.choices[0].text",
          };
  }
}
