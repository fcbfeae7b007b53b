import { useTranslation } from "react-i18next";
import type { ClusterNode, NodeEngine } from "../../api/types";
import { Told } from "../../parts/Told";
import { Status } from "../../ui/Status";
import { Table } from "../../ui/Table";
import styles from "./Cluster.module.css";

/** The engines on a machine, those that work first: in which version, and why others do not. */
export function EngineTable({ node }: { node: ClusterNode }) {
  const { t } = useTranslation();
  const columns = [t("cluster.engine"), t("devices.doing"), t("cluster.version"), t("cluster.where")];
  const ranks = (one: NodeEngine) => (one.works === true ? 0 : one.works === null ? 1 : 2);
  const engines = node.engines.toSorted((one, other) => ranks(one) - ranks(other));
  return (
    <Table label={t("cluster.enginesOf", { name: node.id })} columns={columns}>
      {engines.map((engine) => (
        <tr key={engine.id}>
          <td>{engine.id}</td>
          <td>
            {engine.works === true && <Status tone="good">{t("cluster.works")}</Status>}
            {engine.works === null && <Status tone="calm">{t("cluster.asked")}</Status>}
            {engine.works === false && <Status tone="warn">{t("cluster.worksNot")}</Status>}
          </td>
          <td className={styles.number}>
            <Versions engine={engine} />
          </td>
          <td className={styles.where}>
            {engine.devices.join(", ")}
            {engine.faults.map(({ reason, reasons, devices }) => (
              <div key={reason}>
                {engine.devices.length > 0 && t("cluster.notOn", { devices: devices.join(", ") })}{" "}
                <Told text={reason} reasons={reasons} />
              </div>
            ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The version of an engine's library, and on demand those of all that it imports. */
function Versions({ engine }: { engine: NodeEngine }) {
  const libraries = Object.entries(engine.libraries);
  if (libraries.length < 2) return engine.version || "–";
  return (
    <details>
      <summary>{engine.version || "–"}</summary>
      <ul className={styles.libraries}>
        {libraries.map(([name, version]) => (
          <li key={name}>
            {name} {version}
          </li>
        ))}
      </ul>
    </details>
  );
}
