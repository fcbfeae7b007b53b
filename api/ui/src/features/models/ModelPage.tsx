import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useAdmin } from "../../parts/useAdmin";
import { Page } from "../../ui/Page";
import { Facts } from "./Facts";
import { FailureCard } from "./FailureCard";
import { ModelTabs } from "./ModelTabs";
import { modelQuery } from "./queries";
import { TerminateButton } from "./TerminateButton";

const route = getRouteApi("/models/$uid");

/** A model: what it is, what it does now, and what can be done with it. */
export function ModelPage() {
  const { uid } = route.useParams();
  const admin = useAdmin();
  const { data, error, refetch } = useQuery(modelQuery(uid));
  if (error instanceof ApiError && error.status === 404) return <GonePage uid={uid} />;
  const failed = data?.state === "failed" || data?.state === "waiting";
  return (
    <Page title={uid} actions={admin && data && <TerminateButton uid={uid} failed={data.state === "failed"} />}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && failed && <FailureCard model={data} />}
      {data && <Facts model={data} />}
      {data && <ModelTabs model={data} />}
    </Page>
  );
}

function GonePage({ uid }: { uid: string }) {
  const { t } = useTranslation();
  return (
    <Page title={uid}>
      <p>{t("models.gone", { name: uid })}</p>
      <p>
        <Link to="/models">{t("models.toAll")}</Link>
      </p>
    </Page>
  );
}
