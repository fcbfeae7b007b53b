import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { isOver, jobQuery, type PlacedJob } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { OneOf } from "../../parts/OneOf";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Status } from "../../ui/Status";
import { Actions } from "./Actions";
import { CourseCard } from "./CourseCard";
import { DeliveriesCard } from "./DeliveriesCard";
import { RequestCard } from "./RequestCard";
import { ResultCard } from "./ResultCard";
import { TONES } from "./search";

const route = getRouteApi("/jobs/$id");

/** A job: how it is, what happened to it, and what it has made. */
export function JobPage() {
  const { id } = route.useParams();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const asked = useQuery(jobQuery(id));
  const left = (action: string, failed: number) => action === "delete" && !failed && navigate({ to: "/jobs" });
  return (
    <OneOf
      title={t("jobs.one")}
      asked={asked}
      gone={t("jobs.gone", { id })}
      toAll={t("jobs.toAll")}
      list="/jobs"
      actions={(job) => <Actions jobs={[job]} onDone={left} />}
    >
      {(job) => <JobCards job={job} />}
    </OneOf>
  );
}

function JobCards({ job }: { job: PlacedJob }) {
  const { t } = useTranslation();
  const facts = [
    [
      t("jobs.column.stateName"),
      <Status key="state" tone={TONES[job.state]}>
        {t(`jobs.state.${job.state}`)}
      </Status>,
    ],
    [t("jobs.column.kind"), job.kind],
    [t("jobs.column.model"), job.model],
    [t("jobs.column.attempts"), t("jobs.ofMost", { number: job.attempt, most: job.max_attempts })],
    [t("jobs.priority"), String(job.priority)],
    ...Object.entries(job.metadata),
  ] as const;
  return (
    <>
      {job.error && <Failure error={new ApiError(job.error.message, 500, job.error.code ?? "", job.error.param)} />}
      <Card title={job.id}>
        <FactList facts={facts} />
      </Card>
      <CourseCard key={String(isOver(job.state))} job={job} />
      {job.state === "succeeded" && <ResultCard job={job} />}
      <RequestCard job={job} />
      {job.webhook && <DeliveriesCard id={job.id} />}
    </>
  );
}
