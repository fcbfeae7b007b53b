import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type Job, requestQuery } from "../../api/jobs";
import { AsCode } from "../../parts/AsCode";
import { Code } from "../../parts/Code";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import styles from "./Jobs.module.css";
import { MediumView } from "./MediumView";
import { exampleOf, givenOf } from "./request";
import { written } from "./results";

/** What a job was asked: the body of its endpoint, the files that came with it, and both as a program. */
export function RequestCard({ job }: { job: Job }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(requestQuery(job.id));
  const given = data ? givenOf(data) : [];
  return (
    <Card title={t("jobs.request.title")}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          {given.length > 0 && (
            <div className={styles.media}>
              {given.map(({ name, medium }) => (
                <MediumView key={name} medium={medium} name={t("jobs.request.file", { name })} />
              ))}
            </div>
          )}
          <Code title={t("jobs.request.json")} text={written(data.input)} />
          {data.left_out.length > 0 && (
            <p className={styles.muted}>
              {t("jobs.request.leftOut", { names: data.left_out.map(({ param }) => param).join(", ") })}
            </p>
          )}
          <details>
            <summary>{t("jobs.request.code")}</summary>
            <AsCode example={exampleOf(data)} />
          </details>
        </>
      )}
    </Card>
  );
}
