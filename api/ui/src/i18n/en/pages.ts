import ability from "./ability.json";
import batches from "./batches.json";
import cache from "./cache.json";
import catalogue from "./catalogue.json";
import chat from "./chat.json";
import cluster from "./cluster.json";
import code from "./code.json";
import completion from "./completion.json";
import embeddings from "./embeddings.json";
import event from "./event.json";
import events from "./events.json";
import files from "./files.json";
import images from "./images.json";
import jobs from "./jobs.json";
import keeping from "./keeping.json";
import launch from "./launch.json";
import leaving from "./leaving.json";
import logs from "./logs.json";
import markdown from "./markdown.json";
import picker from "./picker.json";
import recorder from "./recorder.json";
import register from "./register.json";
import replica from "./replica.json";
import rerank from "./rerank.json";
import settings from "./settings.json";
import speech from "./speech.json";
import tokenizer from "./tokenizer.json";
import transcription from "./transcription.json";

/** The words of the other pages, which come with the first of them. */
export default {
  ability,
  batches,
  cache,
  catalogue,
  chat,
  cluster,
  code,
  completion,
  embeddings,
  event,
  events,
  files,
  images,
  jobs,
  keeping,
  launch,
  leaving,
  logs,
  markdown,
  picker,
  recorder,
  register,
  replica,
  rerank,
  settings,
  speech,
  tokenizer,
  transcription,
};
