import { useTranslation } from "react-i18next";
import { type Batch, isEnded } from "../../api/batches";
import { decimal } from "../../lib/numbers";
import { lasting, moment } from "../../lib/times";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Status } from "../../ui/Status";
import styles from "./Batches.module.css";
import { CountsBar } from "./CountsBar";
import { leftOf } from "./counts";
import { courseOf } from "./course";
import { TONES } from "./search";

/** How far a batch is: its lines drawn and counted, and what has happened to it. */
export function LinesCard({ batch }: { batch: Batch }) {
  const { t, i18n } = useTranslation();
  const { request_counts: counts, usage } = batch;
  const number = (count: number) => decimal(count, i18n.language);
  const facts = [
    [
      t("batches.column.state"),
      <Status key="state" tone={TONES[batch.status]}>
        {t(`batches.state.${batch.status}`)}
      </Status>,
    ],
    [t("batches.column.endpoint"), batch.endpoint],
    [t("batches.done"), number(counts.completed)],
    [t("batches.failed"), number(counts.failed)],
    [t("batches.left"), number(leftOf(counts))],
    [t("batches.column.eta"), batch.eta_s === null ? "" : lasting(batch.eta_s, i18n.language)],
    [t("batches.tokens"), usage ? number(usage.total_tokens) : ""],
    ...Object.entries(batch.metadata ?? {}),
  ] as const;
  return (
    <Card title={batch.id}>
      {(counts.total > 0 || !isEnded(batch.status)) && <CountsBar batch={batch} />}
      <FactList facts={facts} />
      <ol className={styles.course}>
        {courseOf(batch).map(({ what, at }) => (
          <li key={what}>{`${moment(at * 1000, i18n.language)} · ${t(`batches.moment.${what}`)}`}</li>
        ))}
      </ol>
    </Card>
  );
}
