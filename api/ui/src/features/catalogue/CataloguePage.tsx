import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { catalogueQuery } from "../../api/catalogue";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { useAdmin } from "../../parts/useAdmin";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import styles from "./Catalogue.module.css";
import { FilterBar } from "./FilterBar";
import { useFavourites } from "./favourites";
import { ModelCard } from "./ModelCard";
import { keyOf, ordered, passing } from "./passing";
import { type Filters, filtersOf } from "./search";
import { UpdateCard } from "./UpdateCard";

const route = getRouteApi("/catalogue");
const PAGE = 48;

/** Every model that can be launched by name, and what of it fits here. */
export function CataloguePage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const admin = useAdmin();
  const [isUpdating, setUpdating] = useState(false);
  const filters = useMemo(() => filtersOf(search), [search]);
  const favourites = useFavourites();
  const { data, error, refetch } = useQuery(catalogueQuery);
  const all = useMemo(() => ordered(data?.data ?? []), [data]);
  const found = useMemo(() => passing(all, filters, favourites), [all, filters, favourites]);
  const shown = found.slice(0, PAGE * (filters.pages ?? 1));
  const show = (next: Filters) => void navigate({ search: next, replace: true, resetScroll: false });
  return (
    <Page
      title={t("nav.page.catalogue")}
      actions={
        admin && (
          <Button aria-expanded={isUpdating} onClick={() => setUpdating(!isUpdating)}>
            {t("catalogue.update.open")}
          </Button>
        )
      }
    >
      {admin && isUpdating && <UpdateCard />}
      {error && <Failure error={error} again={refetch} />}
      <FilterBar filters={filters} entries={all} onChange={show} />
      {!data && !error && <Loading />}
      {data && (
        <p className={styles.count} aria-live="polite">
          {t("catalogue.count", { shown: found.length, all: all.length })}
        </p>
      )}
      {data && found.length === 0 && (
        <div className={styles.none}>
          <p>{t(filters.favourites ? "catalogue.noFavourites" : "catalogue.none")}</p>
          <Button onClick={() => show({})}>{t("catalogue.all")}</Button>
        </div>
      )}
      <ul className={styles.cards}>
        {shown.map((model) => (
          <ModelCard key={keyOf(model)} model={model} admin={admin} />
        ))}
      </ul>
      {found.length > shown.length && (
        <div>
          <Button onClick={() => show({ ...filters, pages: (filters.pages ?? 1) + 1 })}>
            {t("catalogue.more", { left: found.length - shown.length })}
          </Button>
        </div>
      )}
    </Page>
  );
}
