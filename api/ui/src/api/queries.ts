import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./errors";

/** The keys of all that is cached, in one place, so that nothing is asked twice under two names. */
export const keys = {
  session: ["session"] as const,
  devices: ["devices"] as const,
  nodes: ["nodes"] as const,
  models: ["models"] as const,
  model: (uid: string) => ["models", uid] as const,
  replicas: (uid: string) => ["models", uid, "replicas"] as const,
  events: (uid: string) => ["models", uid, "events"] as const,
  allEvents: (query: object) => ["events", query] as const,
  launches: (name: string) => ["launches", name] as const,
  metrics: ["metrics"] as const,
  underway: ["underway"] as const,
  cache: ["cache"] as const,
  cacheFiles: (version: string) => ["cacheFiles", version] as const,
  registrations: ["registrations"] as const,
  registrationCheck: (type: string, text: string) => ["registrationCheck", type, text] as const,
  described: (language: string) => ["described", language] as const,
  jobs: ["jobs"] as const,
  voices: (model: string, state: string | undefined) => ["voices", model, state] as const,
  files: ["files"] as const,
  batches: ["batches"] as const,
  catalogue: ["catalogue"] as const,
  catalogueVersion: ["catalogueVersion"] as const,
  catalogueModel: (name: string, type: string | undefined) => ["catalogue", name, type] as const,
  engines: ["engines"] as const,
  estimate: (body: object) => ["estimate", body] as const,
  engineOptions: (engine: string, type: string) => ["options", engine, type] as const,
  suggestions: (askHub: boolean) => ["suggestions", askHub] as const,
  jobCounts: ["jobs", "counts"] as const,
};

/** How often what changes by itself is asked again, in ms. The next request waits for the last answer. */
export const LIVE_MS = 2000;

/** The cache of what the server said. A session that has ended is found out by whatever is refused first. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      const ended = error instanceof ApiError && error.status === 401;
      if (ended && query.queryKey[0] !== keys.session[0])
        void queryClient.invalidateQueries({ queryKey: keys.session });
    },
  }),
  // What a browser says of its network is no matter: the server may be on this machine.
  defaultOptions: {
    queries: {
      networkMode: "always",
      retry: (count, error) => count < 2 && error instanceof ApiError && error.status === 0,
      staleTime: 1000,
    },
    mutations: { networkMode: "always" },
  },
});
