import { useTranslation } from "react-i18next";
import { Because } from "../../parts/Because";
import { Table } from "../../ui/Table";
import styles from "./Batches.module.css";
import type { LineFailure } from "./failures";

const COLUMNS = ["name", "status", "message", "param"] as const;

/** Lines of a batch that were not answered, each with its cause. */
export function FailureTable({ failures }: { failures: readonly LineFailure[] }) {
  const { t } = useTranslation();
  return (
    <Table label={t("batches.failures")} columns={COLUMNS.map((column) => t(`batches.failure.${column}`))}>
      {failures.map((one) => (
        <tr key={one.id}>
          <td>{one.customId ?? "–"}</td>
          <td className={styles.fact}>{one.status ?? "–"}</td>
          <td className={styles.cause}>
            <Because code={one.code} text={one.message} /> <code>{one.code}</code>
          </td>
          <td>{one.param ? <code>{one.param}</code> : "–"}</td>
        </tr>
      ))}
    </Table>
  );
}
