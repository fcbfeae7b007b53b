import { useTranslation } from "react-i18next";
import type { DeviceEstimate } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { MemoryBar } from "../../ui/MemoryBar";
import styles from "./Launch.module.css";

const PARTS = [
  ["weights_bytes", "held"],
  ["kv_cache_bytes", "reserved"],
  ["overhead_bytes", "other"],
] as const;

/** What a launch would need of a device: the total, its parts as a bar, and the same in words. */
export function DeviceNeeds({ device }: { device: DeviceEstimate }) {
  const { t, i18n } = useTranslation();
  const { needs } = device;
  const size = (count: number) => bytes(count, i18n.language);
  const parts = PARTS.map(([name, kind]) => ({ name: t(`launch.part.${name}`), bytes: needs[name], kind }));
  const free = device.free_bytes;
  const words = { size: size(needs.total_bytes), device: device.device, free: free === null ? "?" : size(free) };
  return (
    <>
      <p>
        <strong className={styles.total}>{t("launch.about", { size: words.size })}</strong>{" "}
        <span className={styles.small}>{t("launch.ofFree", words)}</span>
      </p>
      <MemoryBar label={t("launch.bar", words)} total={Math.max(needs.total_bytes, free ?? 0)} parts={parts} />
      <dl className={styles.parts}>
        {parts.map((part) => (
          <div key={part.name}>
            <dt>
              <span className={`${styles.swatch} ${styles[part.kind]}`} />
              {part.name}
            </dt>
            <dd>{size(part.bytes)}</dd>
          </div>
        ))}
      </dl>
      {needs.context_length !== null && (
        <p className={styles.small}>
          {t("launch.context", {
            tokens: decimal(needs.context_length, i18n.language),
            requests: needs.requests ?? 1,
          })}
        </p>
      )}
      {needs.measured_bytes !== null && (
        <p className={styles.small}>{t("launch.measured", { size: size(needs.measured_bytes) })}</p>
      )}
    </>
  );
}
