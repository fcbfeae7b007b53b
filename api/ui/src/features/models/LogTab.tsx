import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import styles from "../../parts/Log.module.css";
import { LogLines } from "../../parts/LogLines";
import { holding } from "../../parts/lines";
import { useLog } from "../../parts/useLog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";

/** What a model's processes wrote, as it comes, and a search in it. */
export function LogTab({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const { lines, connection, error } = useLog(uid);
  const [wanted, setWanted] = useState("");
  const found = holding(lines, wanted);
  return (
    <>
      <div className={styles.bar}>
        <Field label={t("logs.search")}>
          <Input type="search" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        </Field>
        <p>{t("logs.shown", { shown: found.length, all: lines.length })}</p>
        {found.length > 0 && <CopyButton text={found.map((line) => line.text).join("\n")} what={t("logs.title")} />}
      </div>
      {error && <Failure error={error} />}
      {connection === "opening" && !error && <Loading />}
      {connection === "broken" && !error && <p role="status">{t("logs.broken")}</p>}
      {connection === "open" && lines.length === 0 && <p>{t("logs.none")}</p>}
      {lines.length > 0 && <LogLines lines={lines} wanted={wanted} />}
      <p className={styles.note}>{t("logs.ring")}</p>
    </>
  );
}
