import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useAdmin } from "../../parts/useAdmin";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { Attention } from "./Attention";
import { attention } from "./attention";
import { DeviceCard } from "./DeviceCard";
import { FirstRun } from "./FirstRun";
import { ModelTable } from "./ModelTable";
import { NowCard } from "./NowCard";
import { Trying } from "./Trying";

const route = getRouteApi("/");

/** What runs here, on what, and what needs attention. */
export function OverviewPage() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const { trying } = route.useSearch();
  const devices = useQuery(live.devices);
  const models = useQuery(live.models);
  const error = devices.error ?? models.error;
  const matters = attention(
    models.data?.data ?? [],
    devices.data?.data ?? [],
    devices.data?.lost ?? [],
    devices.data?.notes ?? [],
  );
  return (
    <Page title={t("nav.page.overview")}>
      {error && <Failure error={error} />}
      {trying && models.data && <Trying uid={trying} models={models.data.data} />}
      {admin && models.data?.data.length === 0 && <FirstRun />}
      <Attention matters={matters} />
      <NowCard />
      <Card title={t("devices.title")}>
        {devices.data?.data.map((device) => <DeviceCard key={device.id} device={device} />) ?? <Loading />}
      </Card>
      <Card title={t("models.title")}>
        {models.data?.data.length === 0 && <p>{t("models.none")}</p>}
        {models.isPending && !models.error && <Loading />}
        {models.data && models.data.data.length > 0 && <ModelTable models={models.data.data} />}
      </Card>
    </Page>
  );
}
