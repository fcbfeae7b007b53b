import { useTranslation } from "react-i18next";
import styles from "./Thoughts.module.css";

interface Props {
  text: string;
  /** Whether the model still thinks. */
  isGrowing: boolean;
}

/** What a model thought before it answered, folded away. */
export function Thoughts({ text, isGrowing }: Props) {
  const { t } = useTranslation();
  if (text === "") return null;
  return (
    <details className={styles.thoughts}>
      <summary>{isGrowing ? t("chat.thinking") : t("chat.thoughts")}</summary>
      <p>{text}</p>
    </details>
  );
}
