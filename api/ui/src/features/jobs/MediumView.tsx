import { useTranslation } from "react-i18next";
import styles from "./Jobs.module.css";
import type { Medium } from "./results";

/** A file that a job has made or was given, and the way to keep it. */
export function MediumView({ medium: { kind, url }, name }: { medium: Medium; name: string }) {
  const { t } = useTranslation();
  return (
    <div className={styles.medium}>
      {kind === "picture" && <img className={styles.picture} src={url} alt={name} />}
      {/* biome-ignore lint/a11y/useMediaCaption: nobody has written any */}
      {kind === "sound" && <audio controls src={url} aria-label={name} />}
      {/* biome-ignore lint/a11y/useMediaCaption: nobody has written any */}
      {kind === "video" && <video className={styles.picture} controls src={url} aria-label={name} />}
      <a href={url} download="">
        {t("jobs.result.download", { name })}
      </a>
    </div>
  );
}
