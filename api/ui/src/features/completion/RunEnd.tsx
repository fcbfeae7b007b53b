import { useTranslation } from "react-i18next";
import { decimal } from "../../lib/numbers";
import { Odds } from "../../parts/Odds";
import styles from "./RunEnd.module.css";
import type { Run } from "./useCompletion";

/** How a continuation ended: why, how many tokens it took and how fast they came; and each of them. */
export function RunEnd({ run }: { run: Run }) {
  const { t, i18n } = useTranslation();
  const number = (value: number) => decimal(value, i18n.language);
  const { usage, finish, seconds } = run;
  const count = usage?.completion_tokens ?? 0;
  const why = [
    finish === "stopped" && t("chat.stopped"),
    finish === "length" && t("completion.length"),
    finish === "stop" && t("completion.ended"),
  ].find(Boolean);
  const said = [
    usage && t("chat.usage", { prompt: number(usage.prompt_tokens), answer: number(count) }),
    count > 1 && seconds > 0 && t("chat.speed", { speed: number((count - 1) / seconds) }),
  ].filter(Boolean);
  return (
    <div className={styles.end}>
      {why && <p>{`${why} ${said.join(" · ")}`}</p>}
      {run.ignored && <p>{t("register.ignored", { names: run.ignored })}</p>}
      {run.tokens.length > 0 && <Odds tokens={run.tokens} />}
    </div>
  );
}
