import { Link, useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { JobCounts } from "./queries";

const JOBS: string = "/jobs";

/** The way to the jobs, where any run or wait. */
export function JobsLine({ jobs }: { jobs: JobCounts }) {
  const { t } = useTranslation();
  const isThere = Object.hasOwn(useRouter().routesByPath, JOBS);
  if (!isThere || jobs.running + jobs.queued === 0) return null;
  return (
    <li>
      <Link to={JOBS}>{t("activity.jobs")}</Link>
    </li>
  );
}
