import { useTranslation } from "react-i18next";
import type { Device } from "../../api/types";
import { Choice } from "../../ui/Choice";
import type { FieldsProps } from "./fields";
import styles from "./Launch.module.css";
import { entriesOf, keyOf, placed, resized, seatsOf } from "./placement";
import { TextField } from "./TextField";

const NOTHING = { node: "", n_gpu: "", gpu_idx: "" };

/** Where the replicas go: as the server places them, or each on a device that is chosen for it. */
export function Placement({ devices, draft, set, fault }: FieldsProps & { devices: readonly Device[] }) {
  const { t } = useTranslation();
  const text = draft["replica_config"] ?? "";
  const seats = seatsOf(devices);
  if (text === "" && seats.length < 2) return null;
  const entries = text === "" ? [] : entriesOf(text);
  const whole = fault("replica_config");
  if (!entries)
    return (
      <TextField
        label={t("launch.placement")}
        value={text}
        fault={whole}
        onChange={(typed) => set({ replica_config: typed })}
      />
    );
  const pick = (at: number, key: string) => {
    const entry = key === "" ? {} : seats.find((one) => one.key === key)?.entry;
    if (entry) set({ replica_config: placed(text, at, entry) });
  };
  return (
    <>
      <Choice
        label={t("launch.placement")}
        value={text === "" ? "any" : "each"}
        options={[
          ["any", t("launch.placedAny")],
          ["each", t("launch.placedEach")],
        ]}
        onChange={(how) =>
          set(how === "any" ? { replica_config: "" } : { ...NOTHING, replica_config: resized("", draft["replica"]) })
        }
      />
      {entries.length > 0 && (
        <div className={styles.grid}>
          {entries.map((entry, at) => (
            <TextField
              // biome-ignore lint/suspicious/noArrayIndexKey: a replica is known by its number
              key={at}
              label={t("launch.placeOf", { number: at + 1 })}
              value={keyOf(entry)}
              usual={t("launch.placedAny")}
              fault={fault(`replica_config[${at}]`)}
              choices={seats.map((one) => [one.key, one.name])}
              onChange={(key) => pick(at, key)}
            />
          ))}
        </div>
      )}
      {whole && <p className={styles.bad}>{whole}</p>}
    </>
  );
}
