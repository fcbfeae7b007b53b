import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ClusterNode } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { Told } from "../../parts/Told";
import { Status } from "../../ui/Status";
import { Table } from "../../ui/Table";
import styles from "./Cluster.module.css";

const TONES = { reports: "good", draining: "warn", silent: "warn", lost: "bad" } as const;

/** The devices of a machine, each with its worker, and of GPUs the driver. */
export function DeviceTable({ node, isMixed }: { node: ClusterNode; isMixed: boolean }) {
  const { t, i18n } = useTranslation();
  const columns = [
    t("devices.device"),
    t("cluster.hardware"),
    t("devices.worker"),
    ...(isMixed ? [t("cluster.headrace")] : []),
    t("cluster.memory"),
    t("cluster.use"),
  ];
  const drivers = node.devices.some(({ driver }) => driver);
  if (drivers) columns.push(t("devices.driver"));
  const size = (count: number) => bytes(count, i18n.language);
  return (
    <Table label={t("cluster.devicesOf", { name: node.id })} columns={columns}>
      {node.devices.map((device) => (
        <tr key={device.id}>
          <td>
            <Link to="/devices">{device.id}</Link>
          </td>
          <td>
            <span translate="no">{device.label}</span>
            {device.fault && (
              <div className={styles.fault}>
                {t("devices.fault")} <Told text={device.fault} />
              </div>
            )}
          </td>
          <td>
            <Status tone={TONES[device.worker]}>{t(`devices.state.${device.worker}`)}</Status>
          </td>
          {isMixed && <td>{device.release ?? t("cluster.untold")}</td>}
          <td className={styles.number}>
            {device.free_bytes === null
              ? size(device.total_bytes)
              : t("cluster.free", { free: size(device.free_bytes), whole: size(device.total_bytes) })}
          </td>
          <td className={styles.number}>
            {device.utilization === null
              ? "–"
              : t("devices.percent", { number: decimal(100 * device.utilization, i18n.language, 0) })}
          </td>
          {drivers && (
            <td className={styles.number}>
              {device.driver ? t("cluster.driver", { driver: device.driver, cuda: device.cuda }) : "–"}
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}
