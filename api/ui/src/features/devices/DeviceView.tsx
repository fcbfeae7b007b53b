import { useTranslation } from "react-i18next";
import type { Device } from "../../api/types";
import { decimal } from "../../lib/numbers";
import { DeviceMemory } from "../../parts/DeviceMemory";
import { Told } from "../../parts/Told";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Course } from "./Course";
import styles from "./Devices.module.css";
import { Engines } from "./Engines";
import type { Load } from "./history";
import { Ledger } from "./Ledger";
import { waitingAt } from "./ledger";

interface Props {
  device: Device;
  history: readonly Load[];
  queued: Record<string, number>;
}

/** A device: what it is, its ledger, and how busy it has been. */
export function DeviceView({ device, history, queued }: Props) {
  const { t, i18n } = useTranslation();
  const points = (of: "busy" | "full") =>
    history.map((load) => ({ atMs: load.atMs, value: load[of][device.id] ?? null }));
  const facts = [
    [t("devices.node"), device.node],
    [t("devices.driver"), device.driver],
    [t("devices.cuda"), device.cuda],
    [t("devices.capability"), device.capability],
    [t("devices.replicas"), decimal(device.replicas, i18n.language)],
    [t("devices.jobs"), decimal(waitingAt(device, queued), i18n.language)],
  ] as const;
  return (
    <Card title={device.id}>
      <p className={styles.label} translate="no">
        {device.label}
      </p>
      {device.fault && (
        <p className={styles.fault}>
          {t("devices.fault")} <Told text={device.fault} />
        </p>
      )}
      <DeviceMemory device={device} />
      <Ledger device={device} />
      <div className={styles.courses}>
        <Course name={t(device.kind === "cpu" ? "devices.busyCpu" : "devices.busy")} points={points("busy")} />
        <Course name={t("devices.full")} points={points("full")} />
      </div>
      <FactList facts={facts} />
      <Engines device={device} />
    </Card>
  );
}
