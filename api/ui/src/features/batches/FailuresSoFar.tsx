import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { failuresQuery } from "../../api/batches";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { FailureTable } from "./FailureTable";
import { failedSoFar } from "./failures";

/** The lines of a batch that have failed while it lasts, each with its cause. */
export function FailuresSoFar({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(failuresQuery(id));
  return (
    <Card title={t("batches.failures")}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && data.data.length > 0 && <FailureTable failures={failedSoFar(data.data)} />}
      {data?.has_more && <p>{t("batches.moreSoFar")}</p>}
    </Card>
  );
}
