import ability from "./ability.json";
import activity from "./activity.json";
import app from "./app.json";
import attention from "./attention.json";
import batches from "./batches.json";
import cache from "./cache.json";
import catalogue from "./catalogue.json";
import cause from "./cause.json";
import chat from "./chat.json";
import cluster from "./cluster.json";
import code from "./code.json";
import completion from "./completion.json";
import devices from "./devices.json";
import embeddings from "./embeddings.json";
import error from "./error.json";
import event from "./event.json";
import events from "./events.json";
import files from "./files.json";
import first from "./first.json";
import images from "./images.json";
import jobs from "./jobs.json";
import keeping from "./keeping.json";
import launch from "./launch.json";
import leaving from "./leaving.json";
import logs from "./logs.json";
import markdown from "./markdown.json";
import models from "./models.json";
import nav from "./nav.json";
import now from "./now.json";
import picker from "./picker.json";
import reasons from "./reasons.json";
import recorder from "./recorder.json";
import register from "./register.json";
import replica from "./replica.json";
import rerank from "./rerank.json";
import session from "./session.json";
import settings from "./settings.json";
import speech from "./speech.json";
import stage from "./stage.json";
import state from "./state.json";
import tokenizer from "./tokenizer.json";
import transcription from "./transcription.json";
import trying from "./try.json";
import type from "./type.json";

/** The words of all areas: an area is a file, and the first part of its keys. */
export default {
  ability,
  activity,
  app,
  attention,
  batches,
  cache,
  catalogue,
  cause,
  chat,
  cluster,
  code,
  completion,
  devices,
  embeddings,
  error,
  event,
  events,
  files,
  first,
  images,
  jobs,
  keeping,
  launch,
  leaving,
  logs,
  markdown,
  models,
  nav,
  now,
  picker,
  reasons,
  recorder,
  register,
  replica,
  rerank,
  session,
  settings,
  speech,
  stage,
  state,
  tokenizer,
  transcription,
  try: trying,
  type,
};
