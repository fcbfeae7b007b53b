import { memo, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { classes } from "../lib/classes";
import { clock } from "../lib/times";
import { Button } from "../ui/Button";
import styles from "./Log.module.css";
import { holding, missed, type NumberedLine, untimed } from "./lines";

const NEAR_PX = 24;

interface Props {
  lines: readonly NumberedLine[];
  wanted: string;
  /** Whether only a few lines are seen at once, beside other things. */
  isShort?: boolean;
}

/** Those lines of a log that hold a text. They follow while the reader is at the end; who scrolls up keeps what is seen, until the end again. */
export function LogLines({ lines, wanted, isShort = false }: Props) {
  const { t, i18n } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState<readonly NumberedLine[] | null>(null);
  const shown = holding(held ?? lines, wanted);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are why it scrolls
  useLayoutEffect(() => {
    if (!held && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [held, lines]);
  const look = classes(styles.log, isShort && styles.short);
  const scrolled = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = box.current ?? {};
    const atEnd = scrollTop + clientHeight >= scrollHeight - NEAR_PX;
    setHeld((before) => (atEnd ? null : (before ?? lines)));
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <div ref={box} role="group" aria-label={t("logs.title")} tabIndex={0} className={look} onScroll={scrolled}>
        {shown.map((line) => (
          <Line key={line.number} line={line} language={i18n.language} />
        ))}
      </div>
      {held && (
        <div>
          <Button onClick={() => setHeld(null)}>{t("logs.toEnd", { number: missed(lines, held) })}</Button>
        </div>
      )}
    </>
  );
}

const Line = memo(function Line({ line, language }: { line: NumberedLine; language: string }) {
  return (
    <div className={styles.line}>
      <span className={styles.time}>{clock(line.time * 1000, language)}</span> {untimed(line.text)}
    </div>
  );
});
