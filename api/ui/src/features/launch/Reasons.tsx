import { useTranslation } from "react-i18next";
import { Told } from "../../parts/Told";
import type { Sentence } from "../../parts/telling";
import styles from "./Launch.module.css";

const FEW = 2;

/** Why some values cannot be had, each reason once; many are folded. */
export function Reasons({ refused }: { refused: readonly { name: string; why: Sentence }[] }) {
  const { t } = useTranslation();
  const reasons = [...new Map(refused.map(({ why }) => [why.text, why])).values()];
  const list = (
    <ul className={styles.reasons}>
      {reasons.map((reason) => (
        <li key={reason.text}>
          <strong>
            {refused
              .filter(({ why }) => why.text === reason.text)
              .map(({ name }) => name)
              .join(", ")}
          </strong>
          {": "}
          <Told {...reason} />
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
