import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Batch } from "../../api/batches";
import { contentUrl } from "../../api/files";
import { Card } from "../../ui/Card";
import styles from "./Batches.module.css";

/** The files of a batch: what it was made of, and what it has made. */
export function FilesCard({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const files = [
    ["input", batch.input_file_id],
    ["output", batch.output_file_id],
    ["errors", batch.error_file_id],
  ] as const;
  return (
    <Card title={t("files.title")}>
      <ul className={styles.files}>
        {files.map(([which, id]) => (
          <li key={which} className={styles.actions}>
            <strong>{t(`batches.file.${which}`)}</strong>
            {id === null ? (
              <span className={styles.muted}>{t("batches.noFile")}</span>
            ) : (
              <>
                <code>{id}</code>
                <Link
                  to="/files/$id"
                  params={{ id }}
                  aria-label={t("batches.lookOf", { name: t(`batches.file.${which}`) })}
                >
                  {t("files.firstLines")}
                </Link>
                <a
                  href={contentUrl(id)}
                  download={`${batch.id}_${which}.jsonl`}
                  aria-label={t("files.downloadOf", { name: t(`batches.file.${which}`) })}
                >
                  {t("files.download")}
                </a>
              </>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
