import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import type { Draft } from "./draft";

interface Props {
  draft: Draft;
  name: string;
  isFine: boolean;
  onDone: (said: string) => void;
}

/** Keeps the description, so that the model can be launched by its name. */
export function RegisterButton({ draft, name, isFine, onDone }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const keep = useMutation({
    mutationFn: () =>
      got(
        api.POST("/v1/model_registrations/{model_type}", {
          params: { path: { model_type: draft.type } },
          body: { model: draft.text },
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.registrations });
      await client.invalidateQueries({ queryKey: keys.catalogue });
      onDone(t("register.done", { name }));
    },
  });
  return (
    <>
      {keep.error && <Failure error={keep.error} />}
      <Button look="primary" disabled={!isFine || keep.isPending} onClick={() => keep.mutate()}>
        {t("register.register")}
      </Button>
    </>
  );
}
