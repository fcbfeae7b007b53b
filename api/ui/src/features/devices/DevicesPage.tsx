import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { DeviceView } from "./DeviceView";
import { useHistory } from "./history";
import { WaitCard } from "./WaitCard";
import { Workers } from "./Workers";

/** The devices: who holds what of each, how busy it is, whether its worker lives, and what waits. */
export function DevicesPage() {
  const { t } = useTranslation();
  const { data, error, dataUpdatedAt } = useQuery(live.devices);
  const queued = useQuery(live.metrics).data?.at(-1)?.queued ?? {};
  const history = useHistory(data?.data, dataUpdatedAt);
  return (
    <Page title={t("nav.page.devices")}>
      {error && <Failure error={error} />}
      {!data && !error && <Loading />}
      {data && <Workers devices={data.data} lost={data.lost} />}
      {data && data.notes.length > 0 && (
        <Card title={t("devices.notes")}>
          {data.notes.map(({ node, note }) => (
            <p key={`${node} ${note}`}>
              <strong>{node}</strong> {note}
            </p>
          ))}
        </Card>
      )}
      <WaitCard queued={queued} />
      {data?.data.map((device) => (
        <DeviceView key={device.id} device={device} history={history} queued={queued} />
      ))}
    </Page>
  );
}
