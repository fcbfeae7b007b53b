import { queryOptions } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";

/** What a newcomer may try. `askHub`: with whether what is on a hub can be had, which takes seconds. */
export function suggestionsQuery(askHub: boolean) {
  return queryOptions({
    queryKey: keys.suggestions(askHub),
    queryFn: ({ signal }) => got(api.GET("/v1/suggestions", { params: { query: { ask_hub: askHub } }, signal })),
    staleTime: 60_000,
  });
}
