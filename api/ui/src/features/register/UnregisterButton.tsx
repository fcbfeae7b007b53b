import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { Registration } from "../../api/types";
import { AskButton } from "../../parts/AskButton";

/** Forgets a model that was registered, after asking. What was launched of it stays. */
export function UnregisterButton({ own, onDone }: { own: Registration; onDone: (said: string) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { model_name: name, model_type } = own;
  const forget = async () => {
    await got(api.DELETE("/v1/model_registrations/{model_type}/{name}", { params: { path: { model_type, name } } }));
    await client.invalidateQueries({ queryKey: keys.registrations });
    await client.invalidateQueries({ queryKey: keys.catalogue });
  };
  return (
    <AskButton
      action={t("register.forget")}
      name={t("register.forgetOf", { name })}
      title={t("register.forgetTitle", { name })}
      text={t("register.forgetText")}
      keep={t("cache.keep")}
      act={forget}
      onDone={() => onDone(t("register.forgotten", { name }))}
    />
  );
}
