import { type KeyboardEvent, memo, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { TokenOdds } from "../api/chat";
import styles from "./Odds.module.css";
import { moved, shownToken } from "./tokens";

/** The tokens of an answer; the one under the pointer or the focus is told of, with the likeliest in its place. */
export const Odds = memo(function Odds({ tokens }: { tokens: readonly TokenOdds[] }) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const chosen = tokens[at];
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 });
  const pressed = (event: KeyboardEvent) => {
    const next = moved(event.key, at, tokens.length);
    if (next === null) return;
    event.preventDefault();
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <details className={styles.odds} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("chat.odds")}</summary>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form */}
      <div ref={list} className={styles.tokens} role="group" aria-label={t("chat.oddsTokens")} onKeyDown={pressed}>
        {(isOpen ? tokens : []).map((one, index) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: a token is known by its place
            key={index}
            type="button"
            tabIndex={index === at ? 0 : -1}
            aria-current={index === at}
            aria-describedby={index === at ? id : undefined}
            onFocus={() => setAt(index)}
            onMouseEnter={() => setAt(index)}
          >
            {shownToken(one.token)}
          </button>
        ))}
      </div>
      {isOpen && chosen && (
        <table id={id} className={styles.table}>
          <caption>
            {t("chat.oddsOf", { token: shownToken(chosen.token), odds: percent.format(Math.exp(chosen.logprob)) })}
          </caption>
          <tbody>
            {chosen.others.map((other) => (
              <tr key={other.token}>
                <th scope="row">{shownToken(other.token)}</th>
                <td>{percent.format(Math.exp(other.logprob))}</td>
                <td>{other.logprob.toFixed(3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
});
