import { useTranslation } from "react-i18next";
import type { GatewayFacts } from "../../api/types";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Gauges } from "./Gauges";

/** The gateway that answers, and its machine. */
export function GatewayCard({ gateway }: { gateway: GatewayFacts }) {
  const { t } = useTranslation();
  const facts = [
    [t("cluster.headrace"), gateway.release],
    ["Python", gateway.python],
    [t("devices.node"), gateway.node],
    [t("cluster.host"), gateway.host],
    [t("cluster.system"), gateway.system],
    [t("cluster.home"), gateway.home],
  ] as const;
  return (
    <Card title={t("cluster.gateway")}>
      <FactList facts={facts} />
      <Gauges machine={gateway} cpu={null} />
    </Card>
  );
}
