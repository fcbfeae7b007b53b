import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { save } from "../../lib/saving";
import { Button } from "../../ui/Button";
import { read, written } from "./archive";
import styles from "./HistoryPanel.module.css";
import { all, bring } from "./talks";

async function keep() {
  save(new Blob([written(await all())], { type: "application/json" }), "headrace-conversations.json");
}

/** Writes all conversations, if there are any, into a file, and brings those of one back. */
export function HistoryFiles({ hasAny }: { hasAny: boolean }) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [isWrong, setWrong] = useState(false);
  const chosen = async (file: File | undefined) => {
    if (!file) return;
    const found = read(await file.text());
    setWrong(found === null);
    if (found) await bring(found);
  };
  return (
    <div className={styles.files}>
      {hasAny && (
        <Button look="quiet" onClick={() => void keep()}>
          {t("chat.export")}
        </Button>
      )}
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label={t("chat.import")}
        onChange={(event) => {
          void chosen(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      <Button look="quiet" onClick={() => input.current?.click()}>
        {t("chat.import")}
      </Button>
      {isWrong && <p role="alert">{t("chat.importWrong")}</p>}
    </div>
  );
}
