import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { Replica } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";

/** Removes a replica, which finishes what it does first. */
export function RemoveButton({ uid, replica }: { uid: string; replica: Replica }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  // By its number: its id has the slashes of the uid, which would part the path.
  const path = { uid, replica_id: String(replica.replica_index) };
  const remove = useMutation({
    mutationFn: () => got(api.DELETE("/v1/models/{uid}/replicas/{replica_id}", { params: { path } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.models }),
  });
  return (
    <>
      <Button
        disabled={remove.isPending}
        aria-label={t("replica.removeOne", { name: replica.replica_id })}
        onClick={() => remove.mutate()}
      >
        {remove.isPending ? t("replica.removing") : t("replica.remove")}
      </Button>
      {remove.error && <Failure error={remove.error} />}
    </>
  );
}
