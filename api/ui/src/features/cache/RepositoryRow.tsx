import { useTranslation } from "react-i18next";
import type { CachedModel } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { day } from "../../lib/times";
import { RemoveCached } from "../../parts/RemoveCached";
import { UsedBy } from "../../parts/UsedBy";
import { Status } from "../../ui/Status";
import styles from "./RepositoryRow.module.css";

/** A repository in the cache: what it takes, who uses it, and the way to be rid of it. */
export function RepositoryRow({ held, onDone }: { held: CachedModel; onDone: (said: string) => void }) {
  const { t, i18n } = useTranslation();
  const on = (ts: number) => day(1000 * ts, i18n.language);
  return (
    <tr>
      <td>
        <div>{held.model_version}</div>
        {!held.whole && <Status tone="warn">{t("cache.notWhole")}</Status>}
        {held.shared && <div className={styles.small}>{t("cache.shared")}</div>}
      </td>
      <td className={styles.number}>{bytes(held.size_bytes, i18n.language)}</td>
      <td className={styles.number}>{held.files}</td>
      <td>
        <UsedBy uids={held.used_by} />
      </td>
      <td className={styles.number}>{held.read_ts ? on(held.read_ts) : t("cache.never")}</td>
      <td className={styles.number}>{on(held.modified_ts)}</td>
      <td>
        <RemoveCached held={held} onDone={onDone} />
      </td>
    </tr>
  );
}
