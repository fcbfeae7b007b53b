import { queryOptions } from "@tanstack/react-query";
import { api, got } from "./client";
import { keys } from "./queries";

/** Whether a key is needed, and what this browser may do. */
export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: ({ signal }) => got(api.GET("/v1/session", { signal })),
  retry: true, // the server may be starting again
  retryDelay: 2000,
});
