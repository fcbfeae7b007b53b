import { useTranslation } from "react-i18next";
import type { ClusterNode } from "../../api/types";
import { lasting } from "../../lib/times";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Status } from "../../ui/Status";
import { DeviceTable } from "./DeviceTable";
import { EngineTable } from "./EngineTable";
import { Gauges } from "./Gauges";

/** A machine with workers. `isMixed`: several releases are run, so that each worker's is of interest. */
export function NodeCard({ node, isMixed }: { node: ClusterNode; isMixed: boolean }) {
  const { t, i18n } = useTranslation();
  const isHere = node.state === "here";
  const silent = Math.min(...node.devices.map(({ silent_s }) => silent_s));
  const facts = [
    [t("cluster.headrace"), node.releases.join(", ") || t("cluster.untold")],
    ["Python", node.python],
    [t("cluster.host"), node.host],
    [t("cluster.system"), node.system],
  ] as const;
  return (
    <Card title={node.id}>
      <Status tone={isHere ? "good" : "bad"}>
        {isHere
          ? t("cluster.here")
          : t("cluster.lost", { time: t("devices.ago", { time: lasting(silent, i18n.language) }) })}
      </Status>
      {!isHere && <p>{t("devices.lostNext")}</p>}
      <FactList facts={facts} />
      <Gauges machine={node} cpu={node.cpu_utilization} />
      {node.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <DeviceTable node={node} isMixed={isMixed} />
      {isHere && <EngineTable node={node} />}
    </Card>
  );
}
