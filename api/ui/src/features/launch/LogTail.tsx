import { useTranslation } from "react-i18next";
import { Failure } from "../../parts/Failure";
import { LogLines } from "../../parts/LogLines";
import { useLog } from "../../parts/useLog";
import styles from "./Launch.module.css";

/** The end of what a model's processes write while it is loaded, or wrote before it failed. */
export function LogTail({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const { lines, error } = useLog(uid);
  if (error) return <Failure error={error} />;
  if (lines.length === 0) return null;
  return (
    <div className={styles.tail}>
      <strong>{t("logs.title")}</strong>
      <LogLines lines={lines} wanted="" isShort />
    </div>
  );
}
