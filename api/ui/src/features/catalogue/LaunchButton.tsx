import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import type { WeightsLine } from "./lines";

interface Props {
  name: string;
  line: WeightsLine;
  /** What is launched, for screen readers. */
  label: string;
}

/** Launches these weights as they are, and leads to the model's page, which shows how far it is. */
export function LaunchButton({ name, line: { weights, way }, label }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { model_size_in_billions, model_format, quantization } = weights;
  const launch = useMutation({
    mutationFn: () =>
      got(
        api.POST("/v1/models", {
          params: { query: { wait_ready: false } },
          body: {
            model_name: name,
            model_engine: way?.engine ?? null,
            model_size_in_billions,
            model_format,
            quantization,
          },
        }),
      ),
    onSuccess: ({ model_uid }) => navigate({ to: "/models/$uid", params: { uid: model_uid } }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.models }),
  });
  return (
    <>
      <Button aria-label={label} disabled={launch.isPending} onClick={() => launch.mutate()}>
        {t("catalogue.launch")}
      </Button>
      {launch.error && <Failure error={launch.error} />}
    </>
  );
}
