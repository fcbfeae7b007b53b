import { useTranslation } from "react-i18next";
import type { CatalogueWeights } from "../../api/types";
import { Card } from "../../ui/Card";
import styles from "./Places.module.css";

const HUBS = ["huggingface", "modelscope"] as const;
const NAMES = { huggingface: "Hugging Face", modelscope: "ModelScope" } as const;

/** The repositories that the weights are fetched from. They are texts: a page asks nothing of other servers. */
export function Places({ weights }: { weights: readonly CatalogueWeights[] }) {
  const { t } = useTranslation();
  const found = HUBS.map((hub) => [hub, [...new Set(weights.flatMap((one) => one.repositories[hub] ?? []))]] as const);
  const there = found.filter(([, names]) => names.length > 0);
  if (there.length === 0) return null;
  return (
    <Card title={t("catalogue.places")}>
      {there.map(([hub, names]) => (
        <details key={hub} className={styles.place} open={names.length <= 3}>
          <summary>{t("catalogue.repositories", { hub: NAMES[hub], count: names.length })}</summary>
          <ul>
            {names.map((name) => (
              <li key={name}>
                <code>{name}</code>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </Card>
  );
}
