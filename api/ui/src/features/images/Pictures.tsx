import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Job } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Button } from "../../ui/Button";
import styles from "./Images.module.css";
import { drawnQuery } from "./pictures";

interface Props {
  job: Job;
  /** What the pictures show, as it was asked. */
  prompt: string;
  /** Null while it is not known what was asked. */
  onAgain: ((seed: string | null) => void) | null;
  onEdit: (url: string) => void;
}

/** The pictures that a job has drawn, each with its seed. */
export function Pictures({ job, prompt, onAgain, onEdit }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(drawnQuery(job.id));
  if (error) return <Failure error={error} again={refetch} />;
  if (!data) return <Loading />;
  return (
    <>
      <div className={styles.pictures}>
        {data.pictures.map(({ url, isVideo, seed, isFlagged }, index) => (
          <figure key={url} className={styles.figure}>
            {isVideo ? (
              // biome-ignore lint/a11y/useMediaCaption: nobody has written any
              <video className={styles.picture} controls loop src={url} aria-label={t("images.video", { prompt })} />
            ) : (
              <a href={url} target="_blank" rel="noopener">
                <img className={styles.picture} src={url} alt={t("images.picture", { number: index + 1, prompt })} />
              </a>
            )}
            <figcaption className={styles.caption}>
              {seed !== null && <span>{t("images.seed", { seed })}</span>}
              {isFlagged && <span>{t("images.flagged")}</span>}
              <a href={url} download={`${job.id}-${index}`}>
                {t("images.download")}
              </a>
              <Button className={styles.word} disabled={!onAgain} onClick={() => onAgain?.(seed)}>
                {t("images.again")}
              </Button>
              {!isVideo && (
                <Button className={styles.word} onClick={() => onEdit(url)}>
                  {t("images.edit")}
                </Button>
              )}
            </figcaption>
          </figure>
        ))}
      </div>
      {data.warning && <p>{data.warning}</p>}
    </>
  );
}
