import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { bytes, decimal } from "../../lib/numbers";
import { lasting } from "../../lib/times";
import styles from "./Activity.module.css";
import { downloadOf, reasonsOf, STAGES } from "./underway";

/** A model that becomes ready: its stage, how far it is, and why it waits. */
export function MovingModel({ uid }: { uid: string }) {
  const { t, i18n } = useTranslation();
  const { data } = useQuery(live.progress(uid));
  const stage = STAGES.find((one) => one === data?.stage);
  const download = data && downloadOf(data);
  const size = (count: number) => bytes(count, i18n.language);
  const said = [
    data && data.progress > 0 && t("activity.percent", { number: decimal(100 * data.progress, i18n.language, 0) }),
    download && t("activity.fetched", { done: size(download.bytes), total: size(download.total) }),
    download?.left != null && t("activity.left", { time: lasting(download.left, i18n.language) }),
  ].filter(Boolean);
  return (
    <li className={styles.line}>
      <Link to="/models/$uid" params={{ uid }}>
        {uid}
      </Link>
      {stage && <span>{t(`activity.stage.${stage}`)}</span>}
      {data && data.progress > 0 && (
        <progress value={data.progress} aria-label={t("activity.progress", { name: uid })} />
      )}
      {said.length > 0 && <span className={styles.numbers}>{said.join(" · ")}</span>}
      <span className={styles.reason}>{reasonsOf(data)}</span>
    </li>
  );
}
