import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { ownedBy, sessionQuery } from "../../api/session";

/** Whether a key is needed, and what this browser may do. */
export function useSession() {
  return useQuery(sessionQuery);
}

/** Begins a session with a key, or ends it and forgets what was made in it; all is read anew. */
export function useSessionChange() {
  const client = useQueryClient();
  const onSuccess = async () => {
    await client.invalidateQueries({ queryKey: sessionQuery.queryKey }); // first: it tells whose all else is
    await client.invalidateQueries();
  };
  return {
    begin: useMutation({ mutationFn: (key: string) => got(api.POST("/v1/session", { body: { key } })), onSuccess }),
    end: useMutation({
      mutationFn: () => got(api.DELETE("/v1/session")),
      onSuccess: () => {
        ownedBy(null);
        return onSuccess();
      },
    }),
  };
}
