import type { ReactNode, RefObject } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import styles from "./Scroller.module.css";

interface Props {
  box: RefObject<HTMLDivElement | null>;
  label: string;
  isBusy: boolean;
  /** Whether the reader has left the end; `onEnd` goes there. */
  isAway: boolean;
  onEnd: () => void;
  children: ReactNode;
}

/** What was said, which scrolls by itself. */
export function Scroller({ box, label, isBusy, isAway, onEnd, children }: Props) {
  const { t } = useTranslation();
  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <div ref={box} className={styles.box} role="log" aria-label={label} aria-busy={isBusy} tabIndex={0}>
        <div className={styles.turns}>{children}</div>
      </div>
      {isAway && (
        <Button className={styles.end} onClick={onEnd}>
          <Icon name="down" />
          {t("chat.toEnd")}
        </Button>
      )}
    </div>
  );
}
