import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useAdmin } from "../../parts/useAdmin";
import { Button } from "../../ui/Button";
import { Table } from "../../ui/Table";
import { replicasQuery } from "./queries";
import { ReplicaRow } from "./ReplicaRow";

/** The replicas of a model: where each is, how it is, and what it takes. */
export function ReplicasTab({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const admin = useAdmin();
  const client = useQueryClient();
  const { data, error } = useQuery(replicasQuery(uid));
  const add = useMutation({
    mutationFn: () => got(api.POST("/v1/models/{uid}/replicas", { params: { path: { uid } }, body: { replica: 1 } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.models }),
  });
  const columns = [
    t("replica.name"),
    t("models.state"),
    t("models.device"),
    t("models.memory"),
    t("replica.hostMemory"),
    t("models.inflight"),
    ...(admin ? [t("replica.actions")] : []),
  ];
  return (
    <>
      {error && <Failure error={error} />}
      {!data && !error && <Loading />}
      {data && (
        <Table label={t("models.replicas")} columns={columns}>
          {data.map((replica) => (
            <ReplicaRow key={replica.replica_id} uid={uid} replica={replica} last={data.length === 1} />
          ))}
        </Table>
      )}
      {add.error && <Failure error={add.error} />}
      {admin && data && (
        <div>
          <Button disabled={add.isPending} onClick={() => add.mutate()}>
            {t("replica.add")}
          </Button>
        </div>
      )}
    </>
  );
}
