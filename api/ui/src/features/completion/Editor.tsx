import { type KeyboardEvent, useId } from "react";
import { useTranslation } from "react-i18next";
import { type Doc, parts } from "./document";
import styles from "./Editor.module.css";

interface Props {
  doc: Doc;
  isRunning: boolean;
  onText: (text: string) => void;
  onBegin: () => void;
}

/** The text. Behind it lies the same once more, where what a model has written has another ground. */
export function Editor({ doc, isRunning, onText, onBegin }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onBegin();
  };
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {t("completion.text")}
      </label>
      <div className={styles.layers}>
        <div className={styles.ground} aria-hidden="true">
          {parts(doc).map((part, at) =>
            // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place
            part.isWritten ? <mark key={at}>{part.text}</mark> : <span key={at}>{part.text}</span>,
          )}{" "}
        </div>
        <textarea
          id={id}
          className={styles.area}
          value={doc.text}
          readOnly={isRunning}
          aria-describedby={`${id}help`}
          rows={6}
          onKeyDown={pressed}
          onChange={(event) => onText(event.target.value)}
        />
      </div>
      <p id={`${id}help`} className={styles.help}>
        {t("completion.help")}
      </p>
    </div>
  );
}
