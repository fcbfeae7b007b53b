import { useTranslation } from "react-i18next";
import { minutes } from "../../lib/times";
import styles from "./Progress.module.css";

/** How much of a recording is written down, in seconds. `length`: 0 where it is not known how much there is. */
export function Progress({ done, length }: { done: number; length: number }) {
  const { t } = useTranslation();
  const reached = Math.min(done, length || done);
  return (
    <div className={styles.progress}>
      <progress aria-label={t("transcription.progress")} {...(length > 0 && { value: reached, max: length })} />
      <span>{length > 0 ? `${minutes(reached)} / ${minutes(length)}` : minutes(reached)}</span>
    </div>
  );
}
