import { useTranslation } from "react-i18next";
import { Because } from "../../parts/Because";
import { Loading } from "../../parts/Loading";
import { Fault } from "../../ui/Fault";
import type { Turn } from "./conversation";
import styles from "./TurnEnd.module.css";
import { VerdictNote } from "./VerdictNote";

/** How an answer ended, and what it took. */
export function TurnEnd({ turn, isGrowing }: { turn: Turn; isGrowing: boolean }) {
  const { t, i18n } = useTranslation();
  if (isGrowing) return turn.text === "" && turn.calls.length === 0 ? <Loading /> : null;
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 1 });
  const { usage, speed, fault } = turn;
  const away = fault?.code === "unreachable";
  return (
    <>
      {fault && (
        <Fault
          title={turn.text === "" ? t("chat.failed") : t("chat.failedMidway")}
          message={away ? t("chat.unreachable") : <Because code={fault.code} text={fault.message} />}
          details={fault.requestId && <code>{`${fault.code} ${fault.requestId}`}</code>}
        />
      )}
      {(turn.end === "stopped" || turn.end === "") && <p className={styles.end}>{t("chat.stopped")}</p>}
      {turn.end === "length" && <p className={styles.end}>{t("chat.cut")}</p>}
      {turn.form && !fault && turn.calls.length === 0 && <VerdictNote turn={turn} />}
      {usage && (
        <p className={styles.end}>
          {t("chat.usage", {
            prompt: number.format(usage.prompt_tokens),
            answer: number.format(usage.completion_tokens),
          })}
          {speed !== null && ` · ${t("chat.speed", { speed: number.format(speed) })}`}
        </p>
      )}
    </>
  );
}
