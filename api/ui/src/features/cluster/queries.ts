import { queryOptions } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { keys, LIVE_MS } from "../../api/queries";

/** The machines with workers, and the gateway that answers. */
export const nodesQuery = queryOptions({
  queryKey: keys.nodes,
  queryFn: ({ signal }) => got(api.GET("/v1/cluster/nodes", { signal })),
  refetchInterval: LIVE_MS,
});
