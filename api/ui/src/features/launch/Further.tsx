import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Adapters } from "./Adapters";
import { Folded } from "./Folded";
import { type FieldsProps, FURTHER, HUBS, OF_GPUS, SWITCHES, TYPED } from "./fields";
import styles from "./Launch.module.css";
import { Placement } from "./Placement";
import { resized } from "./placement";
import { Switch } from "./Switch";
import { TextField } from "./TextField";
import { Variables } from "./Variables";
import { variablesOf } from "./variables";

const HUB_NAMES = { huggingface: "Hugging Face", modelscope: "ModelScope" } as const;

/** What a launch may say beside its model. */
export function Further({ draft, set, fault }: FieldsProps) {
  const { t } = useTranslation();
  const devices = useQuery(live.devices).data?.data ?? [];
  const nodes = [...new Set(devices.map((one) => one.node))];
  const filled = FURTHER.filter((name) => draft[name]?.trim()).length;
  const hasGpus = devices.some((one) => one.kind !== "cpu");
  const gpus = OF_GPUS.filter((name) => (hasGpus && !draft["replica_config"]) || draft[name]);
  const variables = variablesOf(draft["envs"] ?? "")?.map(({ name }) => `envs.${name}`) ?? [];
  const config = draft["replica_config"] ?? "";
  const places = Array.from({ length: 64 }, (_, at) => `replica_config[${at}]`);
  const field = (name: string) => ({
    value: draft[name] ?? "",
    fault: fault(name),
    onChange: (text: string) =>
      set({ [name]: text, ...(name === "replica" && config && { replica_config: resized(config, text) }) }),
  });
  return (
    <Folded
      title={t("launch.further")}
      note={filled > 0 ? t("launch.filled", { count: filled }) : null}
      isAtFault={[...FURTHER, ...variables, ...places].some((name) => fault(name) !== null)}
    >
      <div className={styles.grid}>
        {[...TYPED, ...gpus].map((name) => (
          <TextField key={name} label={t(`launch.field.${name}`)} help={t(`launch.help.${name}`)} {...field(name)} />
        ))}
        {(!config || draft["node"]) && (
          <TextField
            label={t("launch.field.node")}
            help={t("launch.help.node")}
            choices={nodes.map((node) => [node, node])}
            {...field("node")}
          />
        )}
        <TextField
          label={t("launch.field.download_hub")}
          help={t("launch.help.download_hub")}
          choices={HUBS.map((hub) => [hub, HUB_NAMES[hub]])}
          {...field("download_hub")}
        />
      </div>
      <Placement devices={devices} draft={draft} set={set} fault={fault} />
      {SWITCHES.map((name) => (
        <Switch
          key={name}
          label={t(`launch.field.${name}`)}
          on={draft[name] === "true"}
          fault={fault(name)}
          onChange={(on) => set({ [name]: on ? "true" : "" })}
        />
      ))}
      <Switch
        label={t("launch.field.autostart")}
        on={draft["autostart"] !== "false"}
        fault={fault("autostart")}
        onChange={(on) => set({ autostart: on ? "" : "false" })}
      />
      <Adapters {...field("peft_model_config")} />
      <Variables value={draft["envs"] ?? ""} fault={fault} onChange={(text) => set({ envs: text })} />
    </Folded>
  );
}
