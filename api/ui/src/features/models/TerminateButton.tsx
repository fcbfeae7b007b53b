import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Question } from "../../ui/Question";

/** Ends a model, or forgets a launch that failed, after asking. */
export function TerminateButton({ uid, failed }: { uid: string; failed: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const end = useMutation({
    mutationFn: () => got(api.DELETE("/v1/models/{uid}", { params: { path: { uid } } })),
    onSuccess: async (ended) => {
      await navigate({ to: "/models", state: { ended } });
      await client.invalidateQueries({ queryKey: keys.models });
    },
  });
  const ask = () => {
    end.reset();
    setAsking(true);
  };
  const word = failed ? t("models.dismiss") : t("models.terminate");
  return (
    <>
      <Button look="danger" onClick={ask}>
        {word}
      </Button>
      <Question
        open={asking}
        title={failed ? t("models.dismissTitle", { name: uid }) : t("models.terminateTitle", { name: uid })}
        text={failed ? t("models.dismissText") : t("models.terminateText")}
        no={end.isPending ? t("models.background") : t("models.keep")}
        yes={end.isPending ? t("models.ending") : word}
        busy={end.isPending}
        onNo={() => setAsking(false)}
        onYes={() => end.mutate()}
      >
        {end.error && <Failure error={end.error} />}
      </Question>
    </>
  );
}
