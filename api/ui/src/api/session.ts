import { queryOptions } from "@tanstack/react-query";
import { setOwner } from "../lib/owner";
import { api, got } from "./client";
import { keys, queryClient } from "./queries";

/** Whether a key is needed, and what this browser may do. */
export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: async ({ signal }) => {
    const state = await got(api.GET("/v1/session", { signal }));
    if (!state.needs_key || state.scopes.length > 0) ownedBy(state.id ?? "");
    return state;
  },
  retry: true, // the server may be starting again
  retryDelay: 2000,
});

/** Tells whose this browser is; null: nobody's. What the server told another is forgotten. */
export function ownedBy(owner: string | null): void {
  if (setOwner(owner)) queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.session[0] });
}
