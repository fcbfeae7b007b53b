import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, got } from "../api/client";
import { keys } from "../api/queries";
import type { paths } from "../api/schema";

/** What a launch asks for. */
export type Launch = NonNullable<paths["/v1/models"]["post"]["requestBody"]>["content"]["application/json"];

/** Launches a model without waiting until it is ready; `onLaunched` is told its uid. */
export function useLaunch(onLaunched?: (uid: string) => unknown) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Launch) => got(api.POST("/v1/models", { params: { query: { wait_ready: false } }, body })),
    onSuccess: ({ model_uid }) => onLaunched?.(model_uid),
    onSettled: () => client.invalidateQueries({ queryKey: keys.models }),
  });
}
