import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { catalogueModelQuery } from "../../api/catalogue";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useAdmin } from "../../parts/useAdmin";
import { Page } from "../../ui/Page";
import { CachedCard } from "./CachedCard";
import { FavouriteButton } from "./FavouriteButton";
import { ModelFacts } from "./ModelFacts";
import { Places } from "./Places";
import { WeightsCard } from "./WeightsCard";

const route = getRouteApi("/catalogue/$name");

/** All of one model of the catalogue: what it is, and each size and format of it. */
export function ModelPage() {
  const { t, i18n } = useTranslation();
  const { name } = route.useParams();
  const filters = route.useSearch();
  const admin = useAdmin();
  const { data, error, refetch } = useQuery(catalogueModelQuery(name, filters.type));
  const gone = error instanceof ApiError && error.status === 404;
  const chinese = i18n.language === "zh-CN" ? data?.description_zh : null;
  return (
    <Page title={data?.name ?? name} actions={data && <FavouriteButton model={data} />}>
      <p>
        <Link to="/catalogue">{t("catalogue.toAll")}</Link>
      </p>
      {error && (gone ? <Failure error={error} /> : <Failure error={error} again={refetch} />)}
      {!data && !error && <Loading />}
      {data && (
        <>
          <p>{chinese ?? data.description}</p>
          <ModelFacts model={data} />
          <WeightsCard model={data} filters={filters} />
          {admin && <CachedCard model={data} />}
          <Places weights={data.weights} />
        </>
      )}
    </Page>
  );
}
