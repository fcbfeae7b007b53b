import { useTranslation } from "react-i18next";
import styles from "./ContextGauge.module.css";
import type { Turn } from "./conversation";

interface Props {
  /** The last turn whose tokens are known. */
  turn: Turn | undefined;
  /** The tokens that the model's context holds. */
  size: number | null;
}

/** How full the context is. */
export function ContextGauge({ turn, size }: Props) {
  const { t, i18n } = useTranslation();
  if (!turn?.usage || !size) return null;
  const number = new Intl.NumberFormat(i18n.language);
  const used = turn.usage.total_tokens;
  const said = t("chat.context", { used: number.format(used), size: number.format(size) });
  return (
    <div className={styles.gauge}>
      <meter value={Math.min(used, size)} max={size} high={size * 0.9} aria-label={t("chat.contextLabel")} />
      {said}
    </div>
  );
}
