import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { Model } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { useLaunch } from "../../parts/useLaunch";
import { Button } from "../../ui/Button";

/** Launches a model again as it was launched; not offered where that was not kept whole. */
export function RelaunchButton({ model }: { model: Model }) {
  const { t } = useTranslation();
  const query = { model_name: model.model_name };
  const history = useQuery({
    queryKey: keys.launches(model.model_name),
    queryFn: ({ signal }) => got(api.GET("/v1/launch_history", { params: { query }, signal })),
  });
  const last = history.data?.find((one) => one.model_uid === model.id && one.left_out.length === 0);
  const launch = useLaunch();
  if (!last) return null;
  return (
    <>
      <Button disabled={launch.isPending} onClick={() => launch.mutate({ model_name: "", ...last.data })}>
        {t("models.relaunch")}
      </Button>
      {launch.error && <Failure error={launch.error} />}
    </>
  );
}
