import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { tokensPerSecond, total } from "../../api/metrics";
import { decimal } from "../../lib/numbers";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";

/** What is done at this moment, by all models together. */
export function NowCard() {
  const { t, i18n } = useTranslation();
  const samples = useQuery(live.metrics).data ?? [];
  const now = samples.at(-1);
  if (!now) return null;
  const number = (value: number) => decimal(value, i18n.language);
  const facts = [
    [t("now.requests"), number(total(now.inflight))],
    [t("now.running"), number(now.jobs["running"] ?? 0)],
    [t("now.waiting"), number(now.jobs["queued"] ?? 0)],
    [t("now.speed"), number(tokensPerSecond(samples) ?? 0)],
  ] as const;
  return (
    <Card title={t("now.title")}>
      <FactList facts={facts} />
    </Card>
  );
}
