import { useTranslation } from "react-i18next";
import type { Device } from "../../api/types";
import { Told } from "../../parts/Told";
import styles from "./Devices.module.css";

/** The engines that work on a device, and why the others do not. */
export function Engines({ device }: { device: Device }) {
  const { t } = useTranslation();
  const engines = Object.entries(device.engines);
  const names = (works: boolean | null) => engines.filter(([, one]) => one.works === works).map(([name]) => name);
  const [good, asked] = [names(true), names(null)];
  const bad = engines.filter(([, one]) => one.works === false);
  return (
    <div>
      {good.length > 0 && <p>{t("devices.engines", { names: good.join(", ") })}</p>}
      {asked.length > 0 && <p>{t("devices.asked", { names: asked.join(", ") })}</p>}
      {bad.length > 0 && (
        <details>
          <summary>{t("devices.without", { number: bad.length })}</summary>
          <ul className={styles.reasons}>
            {bad.map(([name, { reason, reasons }]) => (
              <li key={name}>
                <strong>{name}</strong> <Told text={reason} reasons={reasons} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
