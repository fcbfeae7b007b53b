import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Card } from "../../ui/Card";
import styles from "./Devices.module.css";
import { WaitingJobsLine } from "./WaitingJobsLine";
import { WaitingModelLine } from "./WaitingModelLine";
import { waitingJobs, waitingModels } from "./waits";

/** What waits, for what, and why: models that are not ready, and jobs of models. */
export function WaitCard({ queued }: { queued: Record<string, number> }) {
  const { t } = useTranslation();
  const models = waitingModels(useQuery(live.underway).data?.data ?? []);
  const jobs = waitingJobs(queued, useQuery(live.models).data?.data ?? []);
  return (
    <Card title={t("devices.waits")}>
      {models.length + jobs.length === 0 && <p>{t("devices.noWaits")}</p>}
      {models.length + jobs.length > 0 && (
        <ul className={styles.waits}>
          {models.map((model) => (
            <WaitingModelLine key={model.model_uid} model={model} />
          ))}
          {jobs.map((some) => (
            <WaitingJobsLine key={`jobs ${some.uid}`} jobs={some} />
          ))}
        </ul>
      )}
    </Card>
  );
}
