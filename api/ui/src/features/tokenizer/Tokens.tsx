import { useTranslation } from "react-i18next";
import type { components } from "../../api/schema";
import { classes } from "../../lib/classes";
import { decimal } from "../../lib/numbers";
import { CopyButton } from "../../parts/CopyButton";
import { shown } from "./pieces";
import styles from "./Tokens.module.css";

export type Tokenized = components["schemas"]["TokenList"];

/** The tokens of a text, each with its id. */
export function Tokens({ answer }: { answer: Tokenized }) {
  const { t, i18n } = useTranslation();
  const number = (value: number) => decimal(value, i18n.language);
  const context = answer.max_model_len;
  return (
    <>
      <p>
        {context
          ? t("tokenizer.countOf", { count: answer.count, number: number(answer.count), context: number(context) })
          : t("tokenizer.count", { count: answer.count, number: number(answer.count) })}{" "}
        <CopyButton text={JSON.stringify(answer.tokens)} what={t("tokenizer.ids")} />
      </p>
      <ol className={styles.tokens} aria-label={t("tokenizer.tokens")}>
        {answer.tokens.map((id, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a token may come again
          <li key={index} className={classes(styles.token, index % 2 === 1 && styles.other)}>
            <code>{shown(answer.token_strs?.[index] ?? "")}</code>
            <small>{id}</small>
          </li>
        ))}
      </ol>
    </>
  );
}
