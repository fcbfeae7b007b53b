import { useQuery } from "@tanstack/react-query";
import { live } from "../../api/live";
import { Whys } from "../../parts/Whys";

/** Why a model is not ready, as its replicas say. */
export function ReasonOf({ uid }: { uid: string }) {
  const { data } = useQuery(live.underway);
  return <Whys model={data?.data.find((model) => model.model_uid === uid)} />;
}
