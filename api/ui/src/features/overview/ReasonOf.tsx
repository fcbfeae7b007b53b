import { useQuery } from "@tanstack/react-query";
import { live } from "../../api/live";
import { reasonsOf } from "../../parts/underway";

/** Why a model is not ready, as its replicas say. */
export function ReasonOf({ uid }: { uid: string }) {
  const { data } = useQuery(live.underway);
  return <>{reasonsOf(data?.data.find((model) => model.model_uid === uid))}</>;
}
