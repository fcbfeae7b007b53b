import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import type { Draft } from "./draft";
import { Folded } from "./Folded";
import styles from "./Launch.module.css";
import { pasted } from "./pasting";

/** A command, a request of curl or JSON of another launch, which fills the form. */
export function Paste({ onFill }: { onFill: (draft: Draft) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const [text, setText] = useState("");
  const [isRefused, setRefused] = useState(false);
  const fill = () => {
    const draft = pasted(text);
    setRefused(draft === null);
    if (draft) onFill(draft);
  };
  return (
    <Folded title={t("launch.paste")}>
      <label htmlFor={id}>{t("launch.pasteHelp")}</label>
      <textarea
        id={id}
        className={styles.text}
        rows={4}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-invalid={isRefused}
        aria-describedby={isRefused ? `${id}-fault` : undefined}
      />
      {isRefused && (
        <p id={`${id}-fault`} role="alert" className={styles.bad}>
          {t("launch.pasteRefused")}
        </p>
      )}
      <div>
        <Button disabled={!text.trim()} onClick={fill}>
          {t("launch.fill")}
        </Button>
      </div>
    </Folded>
  );
}
