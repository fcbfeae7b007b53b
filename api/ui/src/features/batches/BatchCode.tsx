import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import type { Batch } from "../../api/batches";
import { sessionQuery } from "../../api/session";
import { Code } from "../../parts/Code";
import { Card } from "../../ui/Card";
import styles from "./Batches.module.css";
import { curl, javascript, python } from "./code";

/** A batch as a program, in three languages, with this server's address; folded away. */
export function BatchCode({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const keyed = useQuery(sessionQuery).data?.needs_key ?? false;
  const server = { base: apiUrl("v1"), keyed };
  return (
    <Card title={t("models.tabs.code")}>
      <details className={styles.upload}>
        <summary>{t("batches.code")}</summary>
        <div className={styles.form}>
          {keyed && <p>{t("code.key")}</p>}
          <Code title={t("code.curl")} text={curl(batch, server)} />
          <Code title={t("code.python")} text={python(batch, server)} />
          <Code title={t("code.javascript")} text={javascript(batch, server)} />
        </div>
      </details>
    </Card>
  );
}
