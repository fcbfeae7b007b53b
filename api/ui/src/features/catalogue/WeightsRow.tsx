import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { bytes } from "../../lib/numbers";
import { LaunchButton } from "../../parts/LaunchButton";
import { Told } from "../../parts/Told";
import { Status } from "../../ui/Status";
import type { WeightsLine } from "./lines";
import { useWords } from "./useWords";
import styles from "./WeightsCard.module.css";

interface Props {
  name: string;
  line: WeightsLine;
  admin: boolean;
}

/** Weights of one size, format and quantisation. */
export function WeightsRow({ name, line, admin }: Props) {
  const { t, i18n } = useTranslation();
  const words = useWords();
  const { weights, way, others } = line;
  const { model_size_in_billions: size, model_format: format, quantization } = weights;
  const launch = {
    model_name: name,
    model_engine: way?.engine ?? null,
    model_size_in_billions: size,
    model_format: format,
    quantization,
  };
  const needs = way?.needs?.total_bytes;
  const said = [size === null ? "" : words.size(size), format, quantization].filter(Boolean).join(" ");
  const about = (count: number) => t("catalogue.about", { size: bytes(count, i18n.language) });
  return (
    <tr>
      <td>{size === null ? "–" : words.size(size)}</td>
      <td>{format}</td>
      <td>{quantization}</td>
      <td>
        {way?.engine ?? "–"}
        {others.length > 0 && <div className={styles.small}>{t("catalogue.also", { names: others.join(", ") })}</div>}
      </td>
      <td className={styles.number}>{needs ? about(needs) : "–"}</td>
      <td className={styles.number}>
        {weights.cached && <Status tone="good">{t("catalogue.here")}</Status>}
        {!weights.cached && (weights.download_bytes ? about(weights.download_bytes) : "–")}
      </td>
      <td className={styles.why}>
        {way && <Verdict line={line} />}
        {way?.reason && (
          <div className={styles.small}>
            <Told text={way.reason} reasons={way.reasons} />
          </div>
        )}
      </td>
      {admin && (
        <td>
          {line.mayTry && (
            <div className={styles.acts}>
              <LaunchButton body={launch} label={t("catalogue.launchOf", { name, what: said })} />
              <Link
                to="/launch"
                search={{ name, format, quantization, ...ofWay(size, way?.engine) }}
                aria-label={t("catalogue.optionsOf", { name, what: said })}
              >
                {t("catalogue.options")}
              </Link>
            </div>
          )}
        </td>
      )}
    </tr>
  );
}

/** Whether it fits, and where. */
function Verdict({ line: { way, weights } }: { line: WeightsLine }) {
  const { t } = useTranslation();
  if (!way) return null;
  if (!way.runs) return <Status tone="bad">{t(`catalogue.verdict.${way.cause ?? "unknown"}`)}</Status>;
  const devices = way.devices.join(", ");
  if (!way.needs && !weights.cached) return <Status tone="calm">{t("catalogue.unmeasuredOn", { devices })}</Status>;
  const tone = way.fits_now === false ? "warn" : "good";
  return <Status tone={tone}>{t(way.fits_now === false ? "catalogue.later" : "catalogue.fitsOn", { devices })}</Status>;
}

function ofWay(size: number | null, engine: string | null | undefined) {
  return { ...(size === null ? {} : { size: String(size) }), ...(engine ? { engine } : {}) };
}
