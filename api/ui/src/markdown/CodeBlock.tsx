import { useState } from "react";
import { useTranslation } from "react-i18next";
import { copied } from "../lib/copying";
import { Button } from "../ui/Button";
import styles from "./markdown.module.css";
import { useHighlight } from "./useHighlight";

interface Props {
  text: string;
  language: string;
  growing: boolean;
}

/** Code, with its language and a button that copies it. It is coloured once it is whole. */
export function CodeBlock({ text, language, growing }: Props) {
  const { t } = useTranslation();
  const [isCopied, setCopied] = useState(false);
  const name = language.split(/\s/)[0] ?? "";
  const coloured = useHighlight(text, name, growing);
  const copy = async () => setCopied(await copied(text));
  return (
    <div className={styles.code}>
      <div className={styles.bar}>
        <span>{name}</span>
        <Button onClick={copy}>{isCopied ? t("markdown.copied") : t("markdown.copy")}</Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <pre tabIndex={0}>
        <code>{coloured ?? text}</code>
      </pre>
    </div>
  );
}
