import { useQuery } from "@tanstack/react-query";
import { live } from "../../api/live";

/** Why a model is not ready, as its replicas say. */
export function ReasonOf({ uid }: { uid: string }) {
  const { data } = useQuery(live.progress(uid));
  const reasons = new Set(data?.replicas.map((replica) => replica.info).filter(Boolean));
  return <>{[...reasons].join(" ")}</>;
}
