import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Device } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { DeviceMemory } from "../../parts/DeviceMemory";
import { partsOf } from "../../parts/memory";
import styles from "./DeviceCard.module.css";

/** A device: how much of its memory is taken, and by whom. */
export function DeviceCard({ device }: { device: Device }) {
  const { t, i18n } = useTranslation();
  const percent = device.utilization !== null && decimal(100 * device.utilization, i18n.language, 0);
  return (
    <div className={styles.device}>
      <div className={styles.head}>
        <Link to="/devices">{device.id}</Link>
        <span className={styles.label} translate="no">
          {device.label}
        </span>
        {percent !== false && <span className={styles.label}>{t("devices.busyNow", { number: percent })}</span>}
      </div>
      <DeviceMemory device={device} />
      <ul className={styles.holders}>
        {partsOf(device).map((part) => (
          <li key={`${part.kind} ${part.name}`}>
            {t(`devices.${part.kind}`, { name: part.name, size: bytes(part.bytes, i18n.language) })}
          </li>
        ))}
      </ul>
    </div>
  );
}
