import { useTranslation } from "react-i18next";
import { type Batch, isEnded } from "../../api/batches";
import styles from "./CountsBar.module.css";
import { sharesOf } from "./counts";

/** How many lines of a batch are done, have failed, and are left: drawn, and in words. */
export function CountsBar({ batch: { status, request_counts: counts } }: { batch: Batch }) {
  const { t } = useTranslation();
  const shares = sharesOf(counts);
  if (!shares) return isEnded(status) ? "–" : t("batches.notCounted");
  const width = (share: number) => ({ width: `${100 * share}%` });
  return (
    <div className={styles.counts}>
      <div className={styles.bar} aria-hidden="true">
        <span className={styles.completed} style={width(shares.completed)} />
        <span className={styles.failed} style={width(shares.failed)} />
      </div>
      <span>
        {t("batches.counted", { done: counts.completed, total: counts.total })}
        {counts.failed > 0 && <span className={styles.bad}>{t("batches.withFailed", { number: counts.failed })}</span>}
      </span>
    </div>
  );
}
