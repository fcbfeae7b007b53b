import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useAdmin } from "../../parts/useAdmin";
import { Page } from "../../ui/Page";
import { Launcher } from "./Launcher";

const route = getRouteApi("/launch");

/** Launches a model: what the address says is filled in. */
export function LaunchPage() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const search = route.useSearch();
  return (
    <Page title={t("launch.title")}>{admin ? <Launcher search={search} /> : <p>{t("launch.adminsOnly")}</p>}</Page>
  );
}
