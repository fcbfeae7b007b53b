import { useTranslation } from "react-i18next";
import type { Device } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { MemoryBar } from "../../ui/MemoryBar";
import styles from "./DeviceCard.module.css";
import { partsOf } from "./parts_of";

/** A device: how much of its memory is taken, and by whom. */
export function DeviceCard({ device }: { device: Device }) {
  const { t, i18n } = useTranslation();
  const parts = partsOf(device);
  const size = (count: number) => bytes(count, i18n.language);
  const said = t("devices.memory", {
    used: size(device.used_bytes ?? device.measured_bytes),
    total: size(device.total_bytes),
    available: size(device.available_bytes ?? 0),
  });
  return (
    <div className={styles.device}>
      <strong>{device.id}</strong> <span className={styles.label}>{device.label}</span>
      <MemoryBar label={said} total={device.total_bytes} parts={parts} />
      <p>{said}</p>
      <ul className={styles.holders}>
        {parts.map((part) => (
          <li key={`${part.kind} ${part.name}`}>
            {t(`devices.${part.kind}`, { name: part.name, size: size(part.bytes) })}
          </li>
        ))}
      </ul>
    </div>
  );
}
