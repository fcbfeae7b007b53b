import { useTranslation } from "react-i18next";
import type { Suggested } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Because } from "../../parts/Because";
import { Button } from "../../ui/Button";
import styles from "./FirstRun.module.css";

interface Props {
  offer: Suggested;
  busy: boolean;
  onTry: () => void;
}

/** A model to begin with; or why it cannot be had. */
export function Offer({ offer, busy, onTry }: Props) {
  const { t, i18n } = useTranslation();
  const size = (count: number) => bytes(count, i18n.language);
  const facts = [
    offer.source === "hub" ? t("first.fetched", { size: size(offer.download_bytes) }) : t("first.here"),
    offer.needs_bytes ? t("first.needs", { size: size(offer.needs_bytes) }) : "",
  ];
  return (
    <div className={styles.offer}>
      <div>
        <strong>{offer.model_name}</strong> <span className={styles.small}>{facts.filter(Boolean).join(" · ")}</span>
        {offer.reason && (
          <p className={styles.small}>
            <Because code={offer.code} text={offer.reason} />
          </p>
        )}
      </div>
      {offer.available !== false && (
        <Button look={offer.source === "hub" ? "plain" : "primary"} disabled={busy} onClick={onTry}>
          {t("first.try", { name: offer.model_name })}
        </Button>
      )}
    </div>
  );
}
