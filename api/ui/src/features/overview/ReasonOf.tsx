import { useQuery } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { keys, LIVE_MS } from "../../api/queries";

/** Why a model is not ready, as its replicas say. */
export function ReasonOf({ uid }: { uid: string }) {
  const { data } = useQuery({
    queryKey: keys.progress(uid),
    queryFn: ({ signal }) => got(api.GET("/v1/models/{uid}/progress", { params: { path: { uid } }, signal })),
    refetchInterval: LIVE_MS,
  });
  const reasons = new Set(data?.replicas.map((replica) => replica.info).filter(Boolean));
  return <>{[...reasons].join(" ")}</>;
}
