import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { Registration } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";

/** Launches a registered model, and leads to its page, which shows how far it is. */
export function LaunchButton({ own: { model_name, model_type } }: { own: Registration }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const launch = useMutation({
    mutationFn: () =>
      got(api.POST("/v1/models", { params: { query: { wait_ready: false } }, body: { model_name, model_type } })),
    onSuccess: ({ model_uid }) => navigate({ to: "/models/$uid", params: { uid: model_uid } }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.models }),
  });
  return (
    <>
      <Button
        aria-label={t("register.launchOf", { name: model_name })}
        disabled={launch.isPending}
        onClick={() => launch.mutate()}
      >
        {t("catalogue.launch")}
      </Button>
      {launch.error && <Failure error={launch.error} />}
    </>
  );
}
