import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Batch } from "../../api/batches";
import { headQuery } from "../../api/files";
import { Because } from "../../parts/Because";
import { Card } from "../../ui/Card";
import { Table } from "../../ui/Table";
import styles from "./Batches.module.css";
import { lineAt } from "./failures";

const COLUMNS = ["line", "message", "param", "text"] as const;

/** What is wrong with the file of a batch, of which nothing was run: by line, beside what stands there. */
export function FaultsCard({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const head = useQuery({ ...headQuery(batch.input_file_id), retry: false }).data;
  const faults = batch.errors?.data ?? [];
  return (
    <Card title={t("batches.faults")}>
      <p>{t("batches.faultsText")}</p>
      <Table label={t("batches.faults")} columns={COLUMNS.map((column) => t(`batches.fault.${column}`))}>
        {faults.map((fault) => (
          <tr key={`${fault.line} ${fault.param} ${fault.code}`}>
            <td>{fault.line ?? "–"}</td>
            <td className={styles.cause}>
              <Because code={fault.code} text={fault.message} />
            </td>
            <td>{fault.param ? <code>{fault.param}</code> : "–"}</td>
            <td>
              <code className={styles.line}>{(head && fault.line && lineAt(head, fault.line)) || "–"}</code>
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
