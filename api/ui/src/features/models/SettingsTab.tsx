import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { ApiError } from "../../api/errors";
import { keys } from "../../api/queries";
import type { Model } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { type Changes, changesOf, type Settings, settingsOf } from "./changes";
import styles from "./SettingsTab.module.css";

/** How long a model stays loaded, and how many replicas of it there may be. */
export function SettingsTab({ model }: { model: Model }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [settings, setSettings] = useState(() => settingsOf(model));
  const changes = changesOf(settingsOf(model), settings);
  const unchanged = Object.keys(changes).length === 0;
  const save = useMutation({
    mutationFn: (body: Changes) =>
      got(api.PATCH("/v1/models/{uid}", { params: { path: { uid: model.id } }, body: body as object })),
    onSuccess: (changed) => {
      client.setQueryData(keys.model(model.id), changed);
      setSettings(settingsOf(changed));
    },
  });
  const set = (change: Partial<Settings>) => {
    save.reset();
    setSettings({ ...settings, ...change });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(changes);
  };
  const param = save.error instanceof ApiError ? save.error.param : null;
  const fault = (name: string) => (param === name ? save.error && <FaultOf error={save.error} /> : null);
  const text = (name: "keepAlive" | "minReplicas" | "maxReplicas", asked: string) => (
    <Field label={t(`keeping.${name}`)} help={t(`keeping.${name}Help`)} fault={fault(asked)}>
      <Input value={settings[name]} onChange={(event) => set({ [name]: event.target.value })} />
    </Field>
  );
  return (
    <form className={styles.form} onSubmit={submit}>
      {(["pinned", "autostart"] as const).map((name) => (
        <label key={name} className={styles.check}>
          <input type="checkbox" checked={settings[name]} onChange={(event) => set({ [name]: event.target.checked })} />
          {t(`keeping.${name}`)}
        </label>
      ))}
      {text("keepAlive", "keep_alive")}
      {text("minReplicas", "min_replicas")}
      {text("maxReplicas", "max_replicas")}
      {save.error && !["keep_alive", "min_replicas", "max_replicas"].includes(param ?? "") && (
        <Failure error={save.error} />
      )}
      <div className={styles.check}>
        <Button type="submit" look="primary" disabled={unchanged || save.isPending}>
          {t("keeping.save")}
        </Button>
        {save.isSuccess && unchanged && <span role="status">{t("keeping.saved")}</span>}
      </div>
    </form>
  );
}
