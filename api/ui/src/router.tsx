import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { pageBase } from "./api/address";
import { Access } from "./features/session/Access";
import { SessionGate } from "./features/session/SessionGate";
import { NotFoundPage } from "./features/shell/NotFoundPage";
import { Shell } from "./features/shell/Shell";

const root = createRootRoute({
  component: () => (
    <SessionGate>
      <Shell />
    </SessionGate>
  ),
  notFoundComponent: NotFoundPage,
});

const SettingsPage = lazyRouteComponent(() => import("./features/settings/SettingsPage"), "SettingsPage");

const pages = [
  createRoute({
    getParentRoute: () => root,
    path: "/",
    component: lazyRouteComponent(() => import("./features/overview/OverviewPage"), "OverviewPage"),
  }),
  createRoute({ getParentRoute: () => root, path: "/settings", component: () => <SettingsPage access={<Access />} /> }),
];

export const router = createRouter({
  routeTree: root.addChildren(pages),
  basepath: pageBase.pathname,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
