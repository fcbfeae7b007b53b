import { useState } from "react";
import { useTranslation } from "react-i18next";
import { AsCode } from "../../parts/AsCode";
import type { Conversation } from "./conversation";
import { exampleOf } from "./example";
import type { Asked } from "./request";
import styles from "./SettingsPanel.module.css";

/** The request of the last answer as a program, folded away. */
export function RequestCode({ conversation, asked }: { conversation: Conversation; asked: Asked }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles.panel} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("chat.code")}</summary>
      <div className={styles.rows}>{isOpen && <AsCode example={exampleOf(conversation, asked)} />}</div>
    </details>
  );
}
