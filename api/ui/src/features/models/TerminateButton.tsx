import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import { AskButton } from "../../parts/AskButton";

/** Ends a model, or forgets a launch that failed, after asking. */
export function TerminateButton({ uid, failed }: { uid: string; failed: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  return (
    <AskButton
      action={failed ? t("models.dismiss") : t("models.terminate")}
      doing={t("models.ending")}
      title={failed ? t("models.dismissTitle", { name: uid }) : t("models.terminateTitle", { name: uid })}
      text={failed ? t("models.dismissText") : t("models.terminateText")}
      keep={t("models.keep")}
      leave={t("models.background")}
      act={() => got(api.DELETE("/v1/models/{uid}", { params: { path: { uid } } }))}
      onDone={async (ended) => {
        await navigate({ to: "/models", state: { ended } });
        await client.invalidateQueries({ queryKey: keys.models });
      }}
    />
  );
}
