import activity from "./activity.json";
import app from "./app.json";
import attention from "./attention.json";
import cause from "./cause.json";
import devices from "./devices.json";
import error from "./error.json";
import first from "./first.json";
import models from "./models.json";
import nav from "./nav.json";
import now from "./now.json";
import reasons from "./reasons.json";
import session from "./session.json";
import stage from "./stage.json";
import state from "./state.json";
import trying from "./try.json";
import type from "./type.json";

/** The words that the first page needs: an area is a file, and the first part of its keys. */
export default {
  activity,
  app,
  attention,
  cause,
  devices,
  error,
  first,
  models,
  nav,
  now,
  reasons,
  session,
  stage,
  state,
  try: trying,
  type,
};
