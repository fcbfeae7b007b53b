import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type Job, jobQuery } from "../../api/jobs";
import { percent, span } from "../../lib/spans";
import { Status } from "../../ui/Status";
import styles from "./Jobs.module.css";
import { TONES } from "./search";

interface Props {
  job: Job;
  /** When the list was asked, in ms since 1970. */
  nowMs: number;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
}

/** A job in the list. One that waits is asked for its place, which the list does not tell. */
export function JobRow({ job, nowMs, chosen, onChoose }: Props) {
  const { t, i18n } = useTranslation();
  const waits = job.state === "queued";
  const place = useQuery({ ...jobQuery(job.id), enabled: waits }).data;
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          className={styles.box}
          aria-label={t("jobs.choose", { id: job.id })}
          checked={chosen}
          onChange={(event) => onChoose(event.target.checked)}
        />
      </td>
      <td>
        <Link to="/jobs/$id" params={{ id: job.id }}>
          {job.id.slice(0, 14)}…
        </Link>
      </td>
      <td>
        <Status tone={TONES[job.state]}>{t(`jobs.state.${job.state}`)}</Status>
      </td>
      <td>{job.kind}</td>
      <td>{job.model}</td>
      <td>{waits && place?.position ? place.position : "–"}</td>
      <td>{waits && typeof place?.eta_s === "number" ? span(place.eta_s, i18n.language) : "–"}</td>
      <td>{job.state === "queued" ? "–" : percent(job.progress, i18n.language)}</td>
      <td>{t("jobs.ofMost", { number: job.attempt, most: job.max_attempts })}</td>
      <td>{span(nowMs / 1000 - job.created_at, i18n.language)}</td>
    </tr>
  );
}
