import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type JobFilters, jobsQuery } from "../../api/jobs";
import { ChooseAll } from "../../parts/ChooseAll";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { PageLinks } from "../../parts/PageLinks";
import { useChosen } from "../../parts/useChosen";
import { Table } from "../../ui/Table";
import { Actions } from "./Actions";
import { JobRow } from "./JobRow";

/** One page of jobs, of which some can be chosen. Those that have left the page are chosen no more. */
export function JobList({ filters }: { filters: JobFilters }) {
  const { t } = useTranslation();
  const { data, error, refetch, dataUpdatedAt } = useQuery(jobsQuery(filters));
  const jobs = data?.data ?? [];
  const chosen = useChosen(jobs);
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
          <ChooseAll label={t("jobs.chooseAll")} chosen={chosen}>
            <Actions jobs={chosen.those} chosen onDone={() => chosen.chooseAll(false)} />
          </ChooseAll>
          <Table label={t("jobs.title")} columns={columns.map((column) => t(`jobs.column.${column}`))}>
            {jobs.map((job) => (
              <JobRow
                key={job.id}
                job={job}
                nowMs={dataUpdatedAt}
                chosen={chosen.isChosen(job.id)}
                onChoose={(on) => chosen.choose(job.id, on)}
              />
            ))}
          </Table>
        </>
      )}
      <PageLinks
        page={data}
        after={after}
        first={
          <Link to="/jobs" search={newest}>
            {t("jobs.newest")}
          </Link>
        }
        next={(last) => (
          <Link to="/jobs" search={{ ...newest, after: last }}>
            {t("jobs.older")}
          </Link>
        )}
      />
    </>
  );
}
