import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { live } from "../../api/live";
import { keys, LIVE_MS } from "../../api/queries";
import { EventTable } from "../../parts/EventTable";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { Select } from "../../ui/Select";
import styles from "./Events.module.css";
import { choicesOf, LEVELS, MOST, PAGE, type Shown, shownOf } from "./search";

const route = getRouteApi("/events");
const NAMES_STALE_MS = 30_000;

function pageQuery({ model, level, pages = 1 }: Shown) {
  const query = {
    limit: PAGE * pages,
    ...(model && { model_uid: model }),
    ...(level && { event_type: [...LEVELS[level]] }),
  };
  return queryOptions({
    queryKey: keys.allEvents(query),
    queryFn: ({ signal }) => got(api.GET("/v1/events", { params: { query }, signal })),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });
}

/** Whose events there are: they may be chosen whatever is shown now. */
const namesQuery = queryOptions({
  queryKey: keys.allEvents({ limit: MOST }),
  queryFn: ({ signal }) => got(api.GET("/v1/events", { params: { query: { limit: MOST } }, signal })),
  select: ({ data }) => [...new Set(data.map(({ model_uid }) => model_uid))],
  staleTime: NAMES_STALE_MS,
});

/** What happened to all models, also to those that are gone: the newest first. */
export function EventsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const shown = shownOf(route.useSearch());
  const { model, level, pages = 1 } = shown;
  const { data, error, refetch } = useQuery(pageQuery(shown));
  const models = new Set((useQuery(live.models).data?.data ?? []).map(({ id }) => id));
  const events = data?.data ?? [];
  const uids = choicesOf(models, useQuery(namesQuery).data ?? [], model);
  const show = (next: Record<string, unknown>) =>
    void navigate({ search: shownOf(next), replace: true, resetScroll: false });
  const levels = (["troubles", "errors"] as const).map((one) => [one, t(`events.level.${one}`)] as const);
  return (
    <Page title={t("nav.page.events")}>
      <search className={styles.filters}>
        <Select
          label={t("events.model")}
          value={model ?? ""}
          options={[["", t("models.any")], ...uids.map((uid) => [uid, uid] as const)]}
          onChange={(uid) => show({ level, model: uid })}
        />
        <Select
          label={t("events.severity")}
          value={level ?? ""}
          options={[["", t("models.any")], ...levels]}
          onChange={(one) => show({ model, level: one })}
        />
      </search>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && events.length === 0 && <p>{t(model || level ? "events.noneLike" : "events.none")}</p>}
      {events.length > 0 && <EventTable label={t("nav.page.events")} events={events} models={models} />}
      {data?.has_more && PAGE * pages < MOST && (
        <div>
          <Button onClick={() => show({ ...shown, pages: pages + 1 })}>{t("events.older")}</Button>
        </div>
      )}
      {data?.has_more && PAGE * pages >= MOST && <p>{t("events.most", { number: MOST })}</p>}
    </Page>
  );
}
