import { useTranslation } from "react-i18next";
import type { ModelUnderway } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { lasting } from "../../lib/times";
import { Told } from "../../parts/Told";
import styles from "./Launch.module.css";

const STAGES = [
  ...(["dormant", "pending", "assigned", "waiting", "starting"] as const),
  ...(["downloading", "loading", "warming", "ready", "failed", "stopping"] as const),
];
type Replica = ModelUnderway["replicas"][number];

/** The replicas of a launch: how far each is, and what it fetches. */
export function Replicas({ replicas }: { replicas: readonly Replica[] }) {
  const { t } = useTranslation();
  return (
    <ul className={styles.replicas}>
      {replicas.map((one) => {
        const stage = STAGES.find((known) => known === one.stage);
        return (
          <li key={one.replica_id}>
            <div className={styles.between}>
              <span>{one.replica_id}</span>
              <span>{stage ? t(`stage.${stage}`) : one.stage}</span>
            </div>
            <progress aria-label={t("launch.progressOf", { name: one.replica_id })} max={1} value={one.progress} />
            {one.info && (
              <p className={styles.small}>
                <Told text={one.info} reasons={one.reasons} />
              </p>
            )}
            {one.download && <Files download={one.download} />}
          </li>
        );
      })}
    </ul>
  );
}

/** The files that a replica fetches: how much of each is here, how fast it comes, and how long it takes yet. */
function Files({ download }: { download: NonNullable<Replica["download"]> }) {
  const { t, i18n } = useTranslation();
  const size = (count: number) => bytes(count, i18n.language);
  return (
    <ul className={styles.files}>
      {download.files.map((file) => {
        const isWhole = file.bytes >= file.total_bytes;
        const eta = file.eta_s === null ? null : t("launch.left", { time: lasting(file.eta_s, i18n.language) });
        const facts = [
          t("launch.of", { done: size(file.bytes), all: size(file.total_bytes) }),
          ...(isWhole ? [] : [t("launch.speed", { size: size(file.bytes_per_s) }), eta]),
        ];
        return (
          <li key={file.name}>
            <div className={styles.between}>
              <span>{file.name}</span>
              <span className={styles.small}>{facts.filter(Boolean).join(" · ")}</span>
            </div>
            <progress
              aria-label={t("launch.progressOf", { name: file.name })}
              max={Math.max(file.total_bytes, 1)}
              value={file.bytes}
            />
          </li>
        );
      })}
    </ul>
  );
}
