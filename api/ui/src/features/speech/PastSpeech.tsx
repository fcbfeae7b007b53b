import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import { type Job, requestQuery } from "../../api/jobs";
import { moment } from "../../lib/times";
import { DeleteJob } from "../../parts/DeleteJob";
import { Button } from "../../ui/Button";
import styles from "./SpeechPage.module.css";

/** Takes up what was asked before of a model. */
export type Again = (model: string, input: Record<string, unknown>) => void;

interface Props {
  job: Job;
  onAgain: Again;
  onDeleted: () => void;
}

/** A speech that was made: what was said, in which voice and when, and its sound. */
export function PastSpeech({ job, onAgain, onDeleted }: Props) {
  const { t, i18n } = useTranslation();
  const { data: asked } = useQuery(requestQuery(job.id));
  const { input: text, voice, response_format: format } = asked?.input ?? {};
  const when = moment(job.created_at * 1000, i18n.language);
  const url = apiUrl(`v1/jobs/${encodeURIComponent(job.id)}/result`);
  const facts = [job.model, voice, format].filter((one) => typeof one === "string");
  return (
    <li>
      {typeof text === "string" && <p className={styles.said}>{text}</p>}
      <p className={styles.count}>{[...facts, when].join(" · ")}</p>
      {format !== "pcm" && (
        // biome-ignore lint/a11y/useMediaCaption: what it says stands above
        <audio controls preload="none" src={url} aria-label={t("speech.saidAt", { when })} />
      )}
      <div className={styles.buttons}>
        {asked && (
          <Button aria-label={`${t("speech.again")}: ${when}`} onClick={() => onAgain(job.model, asked.input)}>
            {t("speech.again")}
          </Button>
        )}
        <a href={url} download={`speech.${typeof format === "string" ? format : "mp3"}`}>
          {t("speech.keep")}
        </a>
        <Link to="/jobs/$id" params={{ id: job.id }}>
          {t("speech.job")}
        </Link>
        <DeleteJob id={job.id} name={when} onDeleted={onDeleted} />
      </div>
    </li>
  );
}
