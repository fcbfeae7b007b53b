import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Status } from "../../ui/Status";
import type { Turn } from "./conversation";
import styles from "./VerdictNote.module.css";
import { type Verdict, verdictOf } from "./verdict";

const TONES = { valid: "good", invalid: "bad", notJson: "bad", unchecked: "calm", cut: "warn" } as const;

/** Whether an answer has the form that it had to have, and what is wrong with it where. */
export function VerdictNote({ turn }: { turn: Turn }) {
  const { t } = useTranslation();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  useEffect(() => {
    let left = false;
    verdictOf(turn).then(
      (found) => left || setVerdict(found),
      () => left || setVerdict({ state: "unchecked", faults: [] }), // the checker could not be loaded
    );
    return () => {
      left = true;
    };
  }, [turn]);
  if (!verdict || !turn.form) return null;
  return (
    <div className={styles.verdict}>
      <Status tone={TONES[verdict.state]}>
        {t(`chat.verdict.${verdict.state}`, { form: t(`chat.form.${turn.form.kind}`) })}
      </Status>
      {verdict.faults.length > 0 && (
        <ul>
          {verdict.faults.map(({ where, what }) => (
            <li key={`${where} ${what}`}>
              <code>{where}</code> <span lang="en">{what}</span>
            </li>
          ))}
        </ul>
      )}
      {turn.ignored && <p>{t("chat.ignored", { what: turn.ignored })}</p>}
    </div>
  );
}
