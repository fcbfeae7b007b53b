import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { headQuery } from "../../api/files";
import { Because } from "../../parts/Because";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { Table } from "../../ui/Table";
import styles from "./Batches.module.css";
import { failuresOf } from "./failures";

const COLUMNS = ["name", "status", "message", "param"] as const;
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
      {shown.length > 0 && (
        <Table label={t("batches.failures")} columns={COLUMNS.map((column) => t(`batches.failure.${column}`))}>
          {shown.map((one) => (
            <tr key={one.id}>
              <td>{one.customId ?? "–"}</td>
              <td className={styles.fact}>{one.status ?? "–"}</td>
              <td className={styles.cause}>
                <Because code={one.code} text={one.message ?? ""} /> <code>{one.code}</code>
              </td>
              <td>{one.param ? <code>{one.param}</code> : "–"}</td>
            </tr>
          ))}
        </Table>
      )}
      {told && (!told.isWhole || shown.length < told.failures.length) && <p>{t("batches.moreFailures")}</p>}
    </Card>
  );
}
