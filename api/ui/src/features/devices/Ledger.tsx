import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Device } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Table } from "../../ui/Table";
import styles from "./Devices.module.css";
import { sumsOf } from "./ledger";

/** Who holds how much of a device's memory, reserved against measured; the measured parts are all of it. */
export function Ledger({ device }: { device: Device }) {
  const { t, i18n } = useTranslation();
  const size = (count: number | null) => (count === null ? t("devices.unknown") : bytes(count, i18n.language));
  const { others, free, reserved } = sumsOf(device);
  const uids = device.holders.map(({ model_uid }) => model_uid);
  const columns = [t("devices.holder"), t("devices.measured"), t("devices.promised"), t("devices.doing")];
  const rest = [
    ["other", t("devices.others"), size(others)],
    ["free", t("devices.free"), size(free)],
  ] as const;
  return (
    <Table label={t("devices.ledger", { name: device.id })} columns={columns}>
      {device.holders.map((holder) => (
        <tr key={holder.replica_id}>
          <td>
            <span className={styles.held} />
            <Link to="/models/$uid" params={{ uid: holder.model_uid }}>
              {uids.filter((uid) => uid === holder.model_uid).length > 1 ? holder.replica_id : holder.model_uid}
            </Link>
          </td>
          <td className={styles.number}>{size(holder.measured_bytes)}</td>
          <td className={styles.number}>{size(holder.reserved_bytes)}</td>
          <td className={styles.number}>{t(holder.idle ? "devices.idle" : "devices.works")}</td>
        </tr>
      ))}
      {rest.map(([kind, name, count]) => (
        <tr key={kind}>
          <td>
            <span className={styles[kind]} />
            {name}
          </td>
          <td className={styles.number}>{count}</td>
          <td />
          <td />
        </tr>
      ))}
      <tr className={styles.sum}>
        <td>{t("devices.all")}</td>
        <td className={styles.number}>{size(device.total_bytes)}</td>
        <td className={styles.number}>{size(reserved)}</td>
        <td />
      </tr>
    </Table>
  );
}
