import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ModelUnderway } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { lasting } from "../../lib/times";
import { downloadOf, STAGES } from "../../parts/underway";
import { Whys } from "../../parts/Whys";
import styles from "./Activity.module.css";

/** A model that becomes ready: its stage, how far it is, and why it waits. */
export function MovingModel({ model }: { model: ModelUnderway }) {
  const { t, i18n } = useTranslation();
  const { model_uid: uid, progress } = model;
  const stage = model.state === "waiting" ? "pending" : STAGES.find((one) => one === model.stage);
  const download = downloadOf(model);
  const size = (count: number) => bytes(count, i18n.language);
  const said = [
    progress > 0 && t("activity.percent", { number: decimal(100 * progress, i18n.language, 0) }),
    download && t("activity.fetched", { done: size(download.bytes), total: size(download.total_bytes) }),
    download?.eta_s != null && t("activity.left", { time: lasting(download.eta_s, i18n.language) }),
  ].filter(Boolean);
  return (
    <li className={styles.line}>
      <Link to="/models/$uid" params={{ uid }}>
        {uid}
      </Link>
      {stage && <span>{t(`activity.stage.${stage}`)}</span>}
      {progress > 0 && <progress value={progress} aria-label={t("activity.progress", { name: uid })} />}
      {said.length > 0 && <span className={styles.numbers}>{said.join(" · ")}</span>}
      <span className={styles.reason}>
        <Whys model={model} />
      </span>
    </li>
  );
}
