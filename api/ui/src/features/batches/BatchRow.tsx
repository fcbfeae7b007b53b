import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Batch } from "../../api/batches";
import { lasting, moment } from "../../lib/times";
import { Status } from "../../ui/Status";
import styles from "./Batches.module.css";
import { CancelButton } from "./CancelButton";
import { CountsBar } from "./CountsBar";
import { TONES } from "./search";

interface Props {
  batch: Batch;
  onCancelled: () => void;
}

/** A batch in the list. */
export function BatchRow({ batch, onCancelled }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <tr>
      <td>
        <Link to="/batches/$id" params={{ id: batch.id }}>
          {batch.id.slice(0, 14)}…
        </Link>
      </td>
      <td>
        <Status tone={TONES[batch.status]}>{t(`batches.state.${batch.status}`)}</Status>
      </td>
      <td className={styles.fact}>{batch.endpoint}</td>
      <td>
        <CountsBar batch={batch} />
      </td>
      <td className={styles.fact}>{batch.eta_s === null ? "–" : lasting(batch.eta_s, i18n.language)}</td>
      <td className={styles.fact}>{moment(batch.created_at * 1000, i18n.language)}</td>
      <td>
        <CancelButton batch={batch} isListed onDone={onCancelled} />
      </td>
    </tr>
  );
}
