import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import styles from "./HistoryPanel.module.css";

interface Props {
  title: string;
  isCurrent: boolean;
  onOpen: () => void;
  onRemove: () => void;
}

/** A conversation in the list. To delete it takes two presses, since it cannot be had back. */
export function HistoryEntry({ title, isCurrent, onOpen, onRemove }: Props) {
  const { t } = useTranslation();
  const [isAsked, setAsked] = useState(false);
  const said = title || t("chat.untitled");
  return (
    <li className={styles.entry}>
      <Button className={styles.title} aria-current={isCurrent} onClick={onOpen}>
        {said}
      </Button>
      {isAsked ? (
        <Button
          look="danger"
          onClick={onRemove}
          onBlur={() => setAsked(false)}
          aria-label={t("chat.deleteReally", { title: said })}
        >
          {t("chat.really")}
        </Button>
      ) : (
        <Button onClick={() => setAsked(true)} aria-label={t("chat.deleteThis", { title: said })}>
          {t("chat.delete")}
        </Button>
      )}
    </li>
  );
}
