import { useTranslation } from "react-i18next";
import styles from "./Calls.module.css";
import type { Call, Result } from "./conversation";
import { parsed } from "./structure";

/** The tools that a model wants called, each with its arguments. */
export function Calls({ calls }: { calls: readonly Call[] }) {
  const { t } = useTranslation();
  return calls.map((call, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: while it is written a call has no other name
    <div key={at} className={styles.call}>
      <strong>{t("chat.calls", { name: call.name })}</strong>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <pre className={styles.arguments} tabIndex={0}>
        <code>{laidOut(call.arguments)}</code>
      </pre>
    </div>
  ));
}

/** What the tools answered. */
export function Results({ results, calls }: { results: readonly Result[]; calls: readonly Call[] }) {
  return results.map((result) => (
    <div key={result.id} className={styles.call}>
      <strong>{calls.find((call) => call.id === result.id)?.name ?? result.id}</strong>
      <p className={styles.result}>{result.text}</p>
    </div>
  ));
}

/** JSON with a line for each value; a text that is none, as it is. */
function laidOut(text: string): string {
  const value = parsed(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
}
