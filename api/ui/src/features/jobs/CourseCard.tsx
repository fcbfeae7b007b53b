import { useTranslation } from "react-i18next";
import type { PlacedJob } from "../../api/jobs";
import { isOver } from "../../api/jobs";
import { percent, span } from "../../lib/spans";
import { moment } from "../../lib/times";
import { useCourse } from "../../parts/useCourse";
import { Card } from "../../ui/Card";
import styles from "./Jobs.module.css";

/** The course of a job: what happened to it and when, and while it goes on how far it is. */
export function CourseCard({ job }: { job: PlacedJob }) {
  const { t, i18n } = useTranslation();
  const course = useCourse(job.id, !isOver(job.state));
  const share = Math.max(course.progress, job.progress);
  const eta = job.eta_s === null ? null : span(job.eta_s, i18n.language);
  const moments = [
    [job.created_at, t("jobs.course.created")],
    [job.started_at, t("jobs.course.started", { number: job.attempt })],
    [job.finished_at, t(`jobs.state.${job.state}`)],
  ] as const;
  return (
    <Card title={t("jobs.course.title")}>
      <ol className={styles.timeline}>
        {moments.map(
          ([at, what]) => at !== null && <li key={what}>{`${moment(at * 1000, i18n.language)} · ${what}`}</li>,
        )}
      </ol>
      {job.state === "queued" && job.position !== null && (
        <p>{t("jobs.course.place", { number: job.position, eta: eta ?? t("jobs.course.unknown") })}</p>
      )}
      {job.state === "running" && (
        <>
          <p>{percent(share, i18n.language)}</p>
          <progress className={styles.progress} max={1} value={share} aria-label={t("jobs.column.progress")} />
          {course.preview && <img className={styles.picture} src={course.preview} alt={t("jobs.course.preview")} />}
        </>
      )}
      {course.connection === "broken" && <p>{t("error.unreachable")}</p>}
    </Card>
  );
}
