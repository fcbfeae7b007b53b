import { useTranslation } from "react-i18next";
import { decimal } from "../../lib/numbers";
import { lasting } from "../../lib/times";
import { type Point, Sparkline } from "../../ui/Sparkline";
import styles from "./Devices.module.css";
import { spanOf } from "./history";

interface Props {
  name: string;
  points: readonly Point[];
}

/** How a part of a device's was in use over the last minutes: now and at most in words, and drawn. */
export function Course({ name, points }: Props) {
  const { t, i18n } = useTranslation();
  const last = points.at(-1);
  const known = points.flatMap(({ value }) => value ?? []);
  const spanMs = spanOf(points.map(({ atMs }) => atMs));
  const percent = (value: number) => t("devices.percent", { number: decimal(100 * value, i18n.language, 0) });
  const now = last?.value == null ? t("devices.unknown") : percent(last.value);
  return (
    <figure className={styles.course}>
      <figcaption>
        <span>{name}</span> <strong>{now}</strong>{" "}
        {known.length > 1 && (
          <span className={styles.label}>{t("devices.most", { most: percent(Math.max(...known)) })}</span>
        )}
      </figcaption>
      <Sparkline points={points} toMs={last?.atMs ?? 0} spanMs={spanMs} />
      <div className={styles.span} aria-hidden="true">
        <span>{t("devices.ago", { time: lasting(spanMs / 1000, i18n.language) })}</span>
        <span>{t("devices.now")}</span>
      </div>
    </figure>
  );
}
