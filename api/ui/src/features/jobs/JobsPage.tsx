import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { JobFilters } from "../../api/jobs";
import { live } from "../../api/live";
import { Page } from "../../ui/Page";
import { Select } from "../../ui/Select";
import { Tabs } from "../../ui/Tabs";
import { JobList } from "./JobList";
import styles from "./Jobs.module.css";
import { filtersOf, STATES } from "./search";

const route = getRouteApi("/jobs");

/** The jobs of this key: those that wait, run and are over. */
export function JobsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const filters = filtersOf(route.useSearch());
  const { state, model } = filters;
  const there = (useQuery(live.models).data?.data ?? []).map(({ id }) => id);
  const models = [...new Set([...(model ? [model] : []), ...there])];
  const show = (next: JobFilters) => void navigate({ to: "/jobs", search: next, replace: true });
  const tabs = [["all", t("jobs.all")], ...STATES.map((one) => [one, t(`jobs.state.${one}`)] as const)] as const;
  return (
    <Page title={t("jobs.title")}>
      <p className={styles.muted}>{t("jobs.intro")}</p>
      <search className={styles.filter}>
        <Select
          label={t("jobs.column.model")}
          value={model ?? ""}
          options={[["", t("jobs.any")], ...models.map((one) => [one, one] as const)]}
          onChange={(chosen) => show({ ...(state && { state }), ...(chosen && { model: chosen }) })}
        />
      </search>
      <Tabs
        label={t("jobs.column.stateName")}
        value={state ?? "all"}
        tabs={tabs}
        onChange={(tab) => show({ ...(tab !== "all" && { state: tab }), ...(model && { model }) })}
      >
        <JobList key={JSON.stringify(filters)} filters={filters} />
      </Tabs>
    </Page>
  );
}
