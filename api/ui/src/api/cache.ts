import { queryOptions } from "@tanstack/react-query";
import { api, got } from "./client";
import { keys, LIVE_MS } from "./queries";

/** What lies in the cache. To look is to walk through all of its files, so it is not done at each turn. */
export const cacheQuery = queryOptions({
  queryKey: keys.cache,
  queryFn: ({ signal }) => got(api.GET("/v1/cache/models", { signal })),
  refetchInterval: 5 * LIVE_MS,
});

/** The files of a repository. */
export function filesQuery(version: string) {
  return queryOptions({
    queryKey: keys.cacheFiles(version),
    queryFn: ({ signal }) =>
      got(api.GET("/v1/cache/models/files", { params: { query: { model_version: version } }, signal })),
  });
}
