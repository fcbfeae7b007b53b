import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { cancelJob, type Job, jobQuery } from "../../api/jobs";
import { keys } from "../../api/queries";
import { percent, span } from "../../lib/spans";
import { Failure } from "../../parts/Failure";
import { useCourse } from "../../parts/useCourse";
import { Button } from "../../ui/Button";
import styles from "./Images.module.css";

/** A job that waits or draws: its place, how far it is, what is seen of it so far; and its end before that. */
export function UnderWay({ job, isFollowed }: { job: Job; isFollowed: boolean }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const waits = job.state === "queued";
  const course = useCourse(job.id, isFollowed);
  const place = useQuery({ ...jobQuery(job.id), enabled: waits }).data;
  const cancel = useMutation({
    mutationFn: () => cancelJob(job.id),
    onSettled: () => client.invalidateQueries({ queryKey: [...keys.jobs, "list"] }),
  });
  const share = Math.max(course.progress, job.progress);
  const eta = place?.eta_s ?? null;
  const told = waits
    ? t("jobs.course.place", {
        number: place?.position ?? 1,
        eta: eta === null ? t("jobs.course.unknown") : span(eta, i18n.language),
      })
    : t("images.drawing", { share: percent(share, i18n.language) });
  return (
    <>
      {course.preview ? (
        <img className={styles.preview} src={course.preview} alt={t("jobs.course.preview")} />
      ) : (
        <div className={styles.blank} />
      )}
      <progress className={styles.progress} max={1} value={waits ? 0 : share} aria-label={t("jobs.column.progress")} />
      <p>{told}</p>
      {course.connection === "broken" && <p className={styles.muted}>{t("error.unreachable")}</p>}
      {cancel.error && <Failure error={cancel.error} />}
      <div className={styles.buttons}>
        <Button disabled={cancel.isPending} onClick={() => cancel.mutate()}>
          {t("jobs.do.cancel")}
        </Button>
      </div>
    </>
  );
}
