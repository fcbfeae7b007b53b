import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { AsCode } from "../../parts/AsCode";
import { useAdmin } from "../../parts/useAdmin";
import { Tabs } from "../../ui/Tabs";
import { EventsTab } from "./EventsTab";
import { exampleOf } from "./examples";
import { LogTab } from "./LogTab";
import { ReplicasTab } from "./ReplicasTab";
import { SettingsTab } from "./SettingsTab";
import { ADMIN_TABS, TABS, type Tab } from "./search";

const route = getRouteApi("/models/$uid");

/** The parts of a model's page; which one is seen, its address says. */
export function ModelTabs({ model }: { model: Model }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const admin = useAdmin();
  const shown = TABS.filter((tab) => admin || !ADMIN_TABS.includes(tab));
  const { tab: asked } = route.useSearch();
  const tab = shown.find((one) => one === asked) ?? "replicas";
  const show = (chosen: Tab) =>
    void navigate({ to: "/models/$uid", params: { uid: model.id }, search: { tab: chosen }, replace: true });
  const names = shown.map((one) => [one, t(`models.tabs.${one}`)] as const);
  return (
    <Tabs label={t("models.parts")} value={tab} tabs={names} onChange={show}>
      {tab === "replicas" && <ReplicasTab uid={model.id} />}
      {tab === "events" && <EventsTab uid={model.id} />}
      {tab === "log" && <LogTab key={model.id} uid={model.id} />}
      {tab === "settings" && <SettingsTab key={model.id} model={model} />}
      {tab === "code" && <AsCode example={exampleOf(model)} />}
    </Tabs>
  );
}
