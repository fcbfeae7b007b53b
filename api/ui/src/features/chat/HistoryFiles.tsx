import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { read, written } from "./archive";
import type { Conversation } from "./conversation";
import styles from "./HistoryPanel.module.css";
import { bring } from "./talks";

/** Saves a text as a file of the reader's. */
function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
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
      {conversations.length > 0 && (
        <Button onClick={() => save(written(conversations), "headrace-conversations.json")}>{t("chat.export")}</Button>
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
      <Button onClick={() => input.current?.click()}>{t("chat.import")}</Button>
      {isWrong && <p role="alert">{t("chat.importWrong")}</p>}
    </div>
  );
}
