import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Suggested } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useLaunch } from "../../parts/useLaunch";
import { Card } from "../../ui/Card";
import { Offer } from "./Offer";
import { suggestionsQuery } from "./suggestions";

/** Models that can be had now, each of which one click launches; it is shown how far that is at `/?trying=…`. */
export function FirstRun() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const quick = useQuery(suggestionsQuery(false));
  const asked = useQuery(suggestionsQuery(true));
  const offers = asked.data?.data ?? quick.data?.data;
  const launch = useLaunch((uid) => navigate({ to: "/", search: { trying: uid }, replace: true }));
  const begin = (one: Suggested) =>
    launch.mutate({
      model_uid: one.model_name,
      model_name: one.model_name,
      model_engine: one.model_engine,
      model_format: one.model_format,
      quantization: one.quantization,
      model_size_in_billions: one.model_size_in_billions,
    });
  return (
    <Card title={t("first.title")}>
      <p>{t("first.text")}</p>
      {!offers && !quick.error && <Loading />}
      {!offers && quick.error && <Failure error={quick.error} again={quick.refetch} />}
      {offers?.length === 0 && <p>{t("first.none")}</p>}
      {offers?.map((one) => (
        <Offer key={one.model_name} offer={one} busy={launch.isPending} onTry={() => begin(one)} />
      ))}
      {launch.error && <Failure error={launch.error} />}
    </Card>
  );
}
