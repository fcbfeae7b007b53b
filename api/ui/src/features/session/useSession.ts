import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { sessionQuery } from "../../api/session";
import { forgetAll } from "../../lib/forgetting";

/** Whether a key is needed, and what this browser may do. */
export function useSession() {
  return useQuery(sessionQuery);
}

/** Begins a session with a key, or ends it and forgets what was made in it; all is read anew. */
export function useSessionChange() {
  const client = useQueryClient();
  const onSuccess = async () => {
    await client.resetQueries();
  };
  return {
    begin: useMutation({ mutationFn: (key: string) => got(api.POST("/v1/session", { body: { key } })), onSuccess }),
    end: useMutation({
      mutationFn: () => got(api.DELETE("/v1/session")),
      onSuccess: () => {
        forgetAll();
        return onSuccess();
      },
    }),
  };
}
