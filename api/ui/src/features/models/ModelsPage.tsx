import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { EndedNote } from "./EndedNote";
import { FilterBar } from "./FilterBar";
import { ModelList } from "./ModelList";
import { ModelRow } from "./ModelRow";
import { measuredOf } from "./measured";
import { filtersOf, passing } from "./search";

const route = getRouteApi("/models");

/** The models that were launched: what each is, how it is, and what it takes. */
export function ModelsPage() {
  const { t } = useTranslation();
  const filters = filtersOf(route.useSearch()); // the router leaves in what it does not know
  const models = useQuery(live.models);
  const devices = useQuery(live.devices);
  const metrics = useQuery(live.metrics);
  const shown = passing(models.data?.data ?? [], filters);
  const memory = measuredOf(devices.data?.data ?? []);
  return (
    <Page title={t("models.title")}>
      <EndedNote />
      {models.error && <Failure error={models.error} again={models.refetch} />}
      <FilterBar filters={filters} />
      <Card title={t("models.launched")}>
        {models.isPending && !models.error && <Loading />}
        {models.data?.data.length === 0 && <p>{t("models.none")}</p>}
        {models.data && models.data.data.length > 0 && shown.length === 0 && <p>{t("models.noneLike")}</p>}
        {shown.length > 0 && (
          <ModelList>
            {shown.map((model) => (
              <ModelRow key={model.id} model={model} memory={memory[model.id]} samples={metrics.data ?? []} />
            ))}
          </ModelList>
        )}
      </Card>
    </Page>
  );
}
