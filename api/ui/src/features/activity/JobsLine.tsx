import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { JobCounts } from "./queries";

/** The way to the jobs, where any run or wait. */
export function JobsLine({ jobs }: { jobs: JobCounts }) {
  const { t } = useTranslation();
  if (jobs.running + jobs.queued === 0) return null;
  return (
    <li>
      <Link to="/jobs">{t("activity.jobs")}</Link>
    </li>
  );
}
