import { useTranslation } from "react-i18next";
import { Status } from "../../ui/Status";
import styles from "./Activity.module.css";
import type { JobCounts } from "./queries";

interface Props {
  moving: number;
  failed: number;
  jobs: JobCounts;
}

/** How much is under way, in one line. */
export function Summary({ moving, failed, jobs }: Props) {
  const { t } = useTranslation();
  const counted = (count: number) => `${count}${jobs.isMore ? "+" : ""}`;
  return (
    <span className={styles.summary}>
      <strong>{t("activity.label")}</strong>
      {failed > 0 && <Status tone="bad">{t("activity.failed", { number: failed })}</Status>}
      {moving > 0 && <Status tone="warn">{t("activity.models", { number: moving })}</Status>}
      {jobs.running > 0 && <Status tone="good">{t("activity.running", { number: counted(jobs.running) })}</Status>}
      {jobs.queued > 0 && <Status tone="calm">{t("activity.queued", { number: counted(jobs.queued) })}</Status>}
    </span>
  );
}
