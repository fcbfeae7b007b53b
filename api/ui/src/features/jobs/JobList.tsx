import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type JobFilters, jobsQuery } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Table } from "../../ui/Table";
import { Actions } from "./Actions";
import { JobRow } from "./JobRow";
import styles from "./Jobs.module.css";

/** One page of jobs, of which some can be chosen. Those that have left the page are chosen no more. */
export function JobList({ filters }: { filters: JobFilters }) {
  const { t } = useTranslation();
  const { data, error, refetch, dataUpdatedAt } = useQuery(jobsQuery(filters));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const jobs = data?.data ?? [];
  const those = jobs.filter(({ id }) => chosen.has(id));
  const choose = (id: string, on: boolean) =>
    setChosen((before) => new Set(on ? [...before, id] : [...before].filter((one) => one !== id)));
  const all = jobs.length > 0 && those.length === jobs.length;
  const columns = [
    "choose",
    "id",
    "stateName",
    "kind",
    "model",
    "position",
    "eta",
    "progress",
    "attempts",
    "age",
  ] as const;
  const { after, ...newest } = filters;
  return (
    <>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && jobs.length === 0 && <p>{Object.keys(filters).length ? t("jobs.noneLike") : t("jobs.none")}</p>}
      {jobs.length > 0 && (
        <>
          <div className={styles.actions}>
            <label className={styles.actions}>
              <input
                type="checkbox"
                className={styles.box}
                checked={all}
                onChange={() => setChosen(new Set(all ? [] : jobs.map(({ id }) => id)))}
              />
              {t("jobs.chooseAll")}
            </label>
            <Actions jobs={those} chosen onDone={() => setChosen(new Set())} />
          </div>
          <Table label={t("jobs.title")} columns={columns.map((column) => t(`jobs.column.${column}`))}>
            {jobs.map((job) => (
              <JobRow
                key={job.id}
                job={job}
                nowMs={dataUpdatedAt}
                chosen={chosen.has(job.id)}
                onChoose={(on) => choose(job.id, on)}
              />
            ))}
          </Table>
        </>
      )}
      <div className={styles.actions}>
        {after && (
          <Link to="/jobs" search={newest}>
            {t("jobs.newest")}
          </Link>
        )}
        {data?.has_more && data.last_id && (
          <Link to="/jobs" search={{ ...newest, after: data.last_id }}>
            {t("jobs.older")}
          </Link>
        )}
      </div>
    </>
  );
}
