import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useAdmin } from "../../parts/useAdmin";
import { Page } from "../../ui/Page";
import { GatewayCard } from "./GatewayCard";
import { NodeCard } from "./NodeCard";
import { nodesQuery } from "./queries";
import { Releases } from "./Releases";

/** The machines: what each is, which release it runs, how busy it is, and which engines work there. */
export function ClusterPage() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const { data, error } = useQuery({ ...nodesQuery, enabled: admin });
  return (
    <Page title={t("nav.page.cluster")}>
      {!admin && <p>{t("cluster.adminOnly")}</p>}
      {error && <Failure error={error} />}
      {admin && !data && !error && <Loading />}
      {data && <Releases list={data} />}
      {data?.data.length === 0 && <p>{t("devices.none")}</p>}
      {data?.data.map((node) => (
        <NodeCard key={node.id} node={node} isMixed={data.releases.length > 1} />
      ))}
      {data && <GatewayCard gateway={data.gateway} />}
    </Page>
  );
}
