import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { headQuery } from "../../api/files";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { FailureTable } from "./FailureTable";
import { failuresOf } from "./failures";

const MOST = 100;

/** The lines of a batch that were not answered, each with its cause. `file`: the id of its file of errors. */
export function FailuresCard({ file }: { file: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({ ...headQuery(file), retry: false });
  const told = data && failuresOf(data);
  const shown = told?.failures.slice(0, MOST) ?? [];
  return (
    <Card title={t("batches.failures")}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {shown.length > 0 && <FailureTable failures={shown} />}
      {told && (!told.isWhole || shown.length < told.failures.length) && <p>{t("batches.moreFailures")}</p>}
    </Card>
  );
}
