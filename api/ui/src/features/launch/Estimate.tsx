import { useTranslation } from "react-i18next";
import { bytes, decimal } from "../../lib/numbers";
import { FaultOf } from "../../parts/FaultOf";
import { Loading } from "../../parts/Loading";
import { Told } from "../../parts/Told";
import { Status } from "../../ui/Status";
import { DeviceNeeds } from "./DeviceNeeds";
import styles from "./Launch.module.css";
import type { Form } from "./useForm";

const TONES = { fits: "good", waits: "warn", refused: "bad" } as const;

/** What the launch would need, where it would go, and what would have to make room. `told`: what is wrong stands elsewhere. */
export function Estimate({ form, told, contextName }: { form: Form; told: boolean; contextName: string | null }) {
  const { t, i18n } = useTranslation();
  const { estimate, isFresh, isReady, way } = form;
  const { data, error } = estimate;
  const size = (count: number) => bytes(count, i18n.language);
  if (!isReady) return <p className={styles.small}>{t("launch.noEstimate")}</p>;
  if (error && isFresh) {
    return (
      <>
        <p>{t("launch.noNeeds")}</p>
        {!told && (
          <p className={styles.small}>
            <FaultOf error={error} />
          </p>
        )}
        {way?.needs && <p className={styles.small}>{t("launch.atLeast", { size: size(way.needs.total_bytes) })}</p>}
      </>
    );
  }
  if (!data) return <Loading />;
  const { placement, devices, download_bytes: download } = data;
  const { state } = placement;
  const shown = devices.find((one) => placement.devices.includes(one.device)) ?? devices[0];
  const loaded = shown?.needs.context_length ?? 0;
  const most = form.model.data?.context_length ?? 0;
  const isUsual = contextName !== null && !form.draft[contextName]?.trim() && !form.draft["context_length"]?.trim();
  const number = (tokens: number) => decimal(tokens, i18n.language);
  const less =
    isUsual && loaded > 0 && loaded < most ? { tokens: number(loaded), most: number(most), option: contextName } : null;
  const leaving = placement.to_leave.flatMap((one) => one.holders);
  return (
    <div className={isFresh ? styles.estimate : styles.stale} aria-busy={!isFresh}>
      <p aria-live="polite">
        <Status tone={TONES[state]}>{t(`launch.state.${state}`)}</Status>
      </p>
      {shown && <DeviceNeeds device={shown} />}
      {less && <p className={styles.small}>{t("launch.contextLess", less)}</p>}
      {placement.devices.length > 1 && <p>{t("launch.goesTo", { devices: placement.devices.join(", ") })}</p>}
      {state !== "fits" && placement.reason && (
        <p>
          <Told text={placement.reason} reasons={placement.reasons} />
        </p>
      )}
      {leaving.length > 0 && (
        <>
          <p>{t("launch.toLeave")}</p>
          <ul className={styles.list}>
            {leaving.map((one) => (
              <li key={one.model_uid}>
                {one.model_uid} · {size(one.bytes)}
                {one.idle && ` · ${t("launch.idle")}`}
              </li>
            ))}
          </ul>
        </>
      )}
      {download !== null && download > 0 && <p>{t("launch.download", { size: size(download) })}</p>}
    </div>
  );
}
