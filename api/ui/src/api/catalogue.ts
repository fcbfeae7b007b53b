import { queryOptions } from "@tanstack/react-query";
import { api, got } from "./client";
import { keys } from "./queries";

const STALE_MS = 30_000;

/** All models that a launch may name. */
export const catalogueQuery = queryOptions({
  queryKey: keys.catalogue,
  queryFn: ({ signal }) => got(api.GET("/v1/catalogue", { signal })),
  staleTime: STALE_MS,
});

/** One of them, by any name that a launch takes, with all its sizes and formats. */
export function catalogueModelQuery(name: string, type: string | undefined) {
  return queryOptions({
    queryKey: keys.catalogueModel(name, type),
    queryFn: ({ signal }) =>
      got(
        api.GET("/v1/catalogue/{name}", {
          params: { path: { name }, query: type ? { model_type: type } : {} },
          signal,
        }),
      ),
    staleTime: STALE_MS,
  });
}

/** Which catalogue is in use; for administrators. */
export const catalogueVersionQuery = queryOptions({
  queryKey: keys.catalogueVersion,
  queryFn: ({ signal }) => got(api.GET("/v1/catalogue_versions", { signal })),
});
