import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { save } from "../../lib/saving";
import { Button } from "../../ui/Button";
import { read, written } from "./archive";
import type { Conversation } from "./conversation";
import styles from "./HistoryPanel.module.css";
import { bring } from "./talks";

function keep(conversations: readonly Conversation[]) {
  save(new Blob([written(conversations)], { type: "application/json" }), "headrace-conversations.json");
}

/** Writes all conversations into a file, and brings those of one back. */
export function HistoryFiles({ conversations }: { conversations: readonly Conversation[] }) {
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
      {conversations.length > 0 && <Button onClick={() => keep(conversations)}>{t("chat.export")}</Button>}
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
      <Button onClick={() => input.current?.click()}>{t("chat.import")}</Button>
      {isWrong && <p role="alert">{t("chat.importWrong")}</p>}
    </div>
  );
}
