import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Status } from "../../ui/Status";
import styles from "./Devices.module.css";
import type { WaitingJobs } from "./waits";

/** Jobs that wait for a model, and what it does meanwhile. */
export function WaitingJobsLine({ jobs }: { jobs: WaitingJobs }) {
  const { t } = useTranslation();
  const { uid, count, state } = jobs;
  return (
    <li>
      <div className={styles.wait}>
        <Link to="/jobs" search={{ model: uid, state: "queued" }}>
          {t("devices.jobsOf", { name: uid, number: count })}
        </Link>
        <Status tone="calm">{t("devices.forModel")}</Status>
      </div>
      <div className={styles.label}>{t(`devices.because.${state ?? "gone"}`)}</div>
    </li>
  );
}
