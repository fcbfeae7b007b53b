import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./HistoryPanel.module.css";

interface Props {
  title: string;
  /** Told what was typed; null where the title stays as it is. */
  onDone: (title: string | null) => void;
}

/** Where another title is typed. Enter and leaving it keep that, Escape does not. */
export function RenameTalk({ title, onDone }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(title);
  const input = useRef<HTMLInputElement>(null);
  const isOver = useRef(false);
  const kept = typed.trim() === "" || typed.trim() === title ? null : typed.trim();
  useEffect(() => input.current?.select(), []);
  const end = (given: string | null) => {
    if (!isOver.current) onDone(given); // once: the field loses the focus as it goes
    isOver.current = true;
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        end(kept);
      }}
    >
      <input
        ref={input}
        className={styles.rename}
        aria-label={t("chat.newTitle")}
        maxLength={200}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={() => end(kept)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation(); // it closes nothing else
          end(null);
        }}
      />
    </form>
  );
}
