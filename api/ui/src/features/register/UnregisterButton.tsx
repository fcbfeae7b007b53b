import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { Registration } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Question } from "../../ui/Question";

/** Forgets a model that was registered, after asking. What was launched of it stays. */
export function UnregisterButton({ own, onDone }: { own: Registration; onDone: (said: string) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { model_name: name, model_type } = own;
  const forget = useMutation({
    mutationFn: () =>
      got(api.DELETE("/v1/model_registrations/{model_type}/{name}", { params: { path: { model_type, name } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.registrations });
      await client.invalidateQueries({ queryKey: keys.catalogue });
      setAsking(false);
      onDone(t("register.forgotten", { name }));
    },
  });
  const ask = () => {
    forget.reset();
    setAsking(true);
  };
  return (
    <>
      <Button look="danger" onClick={ask} aria-label={t("register.forgetOf", { name })}>
        {t("register.forget")}
      </Button>
      <Question
        open={asking}
        title={t("register.forgetTitle", { name })}
        text={t("register.forgetText")}
        no={t("cache.keep")}
        yes={t("register.forget")}
        busy={forget.isPending}
        onNo={() => setAsking(false)}
        onYes={() => forget.mutate()}
      >
        {forget.error && <Failure error={forget.error} />}
      </Question>
    </>
  );
}
