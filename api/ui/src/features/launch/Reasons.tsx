import { useTranslation } from "react-i18next";
import styles from "./Launch.module.css";

const FEW = 2;

/** Why some values cannot be had, each reason once; many are folded. */
export function Reasons({ refused }: { refused: readonly { name: string; why: string }[] }) {
  const { t } = useTranslation();
  const reasons = [...new Set(refused.map(({ why }) => why))];
  const list = (
    <ul className={styles.reasons}>
      {reasons.map((reason) => (
        <li key={reason}>
          <strong>
            {refused
              .filter(({ why }) => why === reason)
              .map(({ name }) => name)
              .join(", ")}
          </strong>
          {": "}
          {reason}
        </li>
      ))}
    </ul>
  );
  if (reasons.length <= FEW) return list;
  return (
    <details className={styles.small}>
      <summary>{t("launch.why", { count: refused.length })}</summary>
      {list}
    </details>
  );
}
